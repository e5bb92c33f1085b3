import type { Points } from '../../src/segments/segment.ts';

type Random = () => number;

/** Microseconds since 1970. */
const START = Date.UTC(2026, 0, 5) * 1_000;

/** What a series' points are like, by its number: the time after the one before and the value. */
export const POINT_SETS: Readonly<
  Record<string, (random: Random, series: number) => (row: number) => [number, number]>
> = {
  'S1: every second, two decimals': (random) => {
    const walk = walker(random);
    return (row) => [START + row * 1_000_000, walk() / 100];
  },
  'S2: jittered milliseconds; 1-3 decimals, a counter, a state': (random, series) => {
    const walk = walker(random);
    let counter = 0;
    const values = [
      () => walk() / 10 ** (1 + (series % 3)),
      () => (counter += Math.floor(random() * 5)),
      () => (random() < 0.01 ? 1 : 0),
    ];
    const value = values[series % 3] as () => number;
    return (row) => [START + row * 1_000_000 + Math.floor(random() * 50) * 1_000, value()];
  },
  'S3: any doubles at any microseconds': (random) => {
    let time = START;
    return () => [(time += 1 + Math.floor(random() * 2_000_000)), (random() + random() / 2 ** 31) * 100];
  },
};

export function pointsOf(next: (row: number) => [number, number], length: number): Points {
  const timestamp = new Float64Array(length);
  const value = new Float64Array(length);
  for (let row = 0; row < length; row++) [timestamp[row], value[row]] = next(row);
  return { timestamp, value };
}

/** Whole numbers that wander. */
function walker(random: Random): () => number {
  let at = 2_000;
  return () => (at += Math.round((random() - 0.5) * 10));
}

/** A linear congruential generator: fast, and the same numbers every time. */
export function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
