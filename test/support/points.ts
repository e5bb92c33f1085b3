import * as fc from 'fast-check';
import type { Points } from '../../src/segments/segment.ts';

/** Any double by its bits, but one NaN only. */
const anyDouble = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  const value = new Float64Array(BigUint64Array.of(bits).buffer)[0] as number;
  return Number.isNaN(value) ? Number.NaN : value;
});
const SPECIAL = [0, -0, Number.NaN, Infinity, -Infinity, 5e-324, -5e-324, 1e308, -1e308, Number.MAX_VALUE];
const LARGE = [2 ** 53, 2 ** 53 - 1, -(2 ** 53), 2 ** 53 + 2, 2 ** 63, 1e15, 1e140, 1e141];
const awkward = fc.constantFrom(...SPECIAL, ...LARGE, 1 / 3, 0.1 + 0.2, 1e-15);
const decimal = fc
  .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 6 }))
  .map(([whole, places]) => whole / 10 ** places);
const hundredths = fc.integer({ min: -3_000, max: 9_000 }).map((whole) => whole / 100);

function many<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(values, { minLength: 1, maxLength: 600, size: 'max' });
}

/** The kinds of values that a series may have; some need every code that there is. */
export const VALUES: Readonly<Record<string, fc.Arbitrary<number[]>>> = {
  'any doubles': many(anyDouble),
  'awkward doubles': many(awkward),
  decimals: many(decimal),
  hundredths: many(hundredths),
  'decimals with awkward ones between': many(fc.oneof({ weight: 20, arbitrary: hundredths }, awkward)),
  'decimals with noise': many(hundredths.map((value) => (value / 3) * 3)),
  states: many(fc.constantFrom(0, 1)),
  'awkward states': many(fc.constantFrom(Number.NaN, -0, 0, 1 / 3)),
  'one value': fc.tuple(awkward, many(fc.constant(0))).map(([value, list]) => list.map(() => value)),
  'whole numbers': many(fc.maxSafeInteger()),
  singles: many(fc.float().map((value) => (Number.isNaN(value) ? Number.NaN : value))),
  counter: fc.tuple(fc.maxSafeInteger(), many(fc.nat(1_000))).map(([start, steps]) => {
    let value = start;
    return steps.map((step) => (value += step));
  }),
};

/** Times for values, from 1684 to 2255: regular, jittered, with gaps, any. Microseconds. */
export function pointsWith(values: fc.Arbitrary<number[]>, longest: number = 10 ** 12): fc.Arbitrary<Points> {
  const start = fc.oneof(
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER - 2_000 * longest }),
    fc.constant(Number.MIN_SAFE_INTEGER),
    fc.constant(Date.UTC(2026, 0, 31) * 1_000),
  );
  const unit = fc.constantFrom(1, 1_000, 1_000_000, 60_000_000, 3_600_000_000);
  return fc
    .tuple(values, start, unit, fc.constantFrom(1, 2, 50, 100_000), fc.infiniteStream(fc.nat()))
    .map(([list, first, unit, spread, noise]) => {
      let time = first;
      const times = list.map(() => {
        time += Math.min(unit * (1 + ((noise.next().value as number) % spread)), longest);
        return time;
      });
      return { timestamp: Float64Array.from(times), value: Float64Array.from(list) };
    });
}
