import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDatabase } from '../../support/database.ts';
import { assertEqual } from './compare.ts';
import type { Policy } from './rules.ts';
import {
  addSeries,
  compress,
  DAY,
  HOUR,
  levels,
  MINUTE,
  openChunk,
  refresh,
  SECOND,
  TODAY,
  writeBatch,
} from './store.ts';

const POLICIES: readonly Policy[] = [
  { tolerance: 0, rollover: null, hold: 86_400 },
  { tolerance: 2, rollover: 1000, hold: 90 },
  { tolerance: 0, rollover: 65_536, hold: 3_600 },
];

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -5, max: 1000 }) },
  { weight: 2, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      1e308,
      -1e308,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1e-320,
      -5e-324,
      5e-324,
      -0,
      0,
      1e140,
      -1e140,
      1.0000001e140,
      1e-160,
      65_535,
      999,
    ),
  },
);

/** Microseconds before the clock: a little, hours, days, a year; some ahead of it. */
const age = fc.oneof(
  fc.integer({ min: -3 * MINUTE, max: 5 * MINUTE }),
  fc.integer({ min: 0, max: 3 * HOUR }).map((time) => Math.floor(time / SECOND) * SECOND),
  fc.integer({ min: 0, max: 3 * DAY }).map((time) => Math.floor(time / MINUTE) * MINUTE + 1),
  fc.integer({ min: 365 * DAY, max: 365 * DAY + 20 * MINUTE }),
);
const point = fc.record({ series: fc.integer({ min: 1, max: 3 }), age, value });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ points: fc.array(point, { minLength: 1, maxLength: 40 }), repeat: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ passed: fc.constantFrom(SECOND, MINUTE, 20 * MINUTE, 2 * HOUR, 30 * HOUR) }),
  },
  { weight: 1, arbitrary: fc.constant({ compressed: true }) },
  {
    weight: 1,
    arbitrary: fc.record({
      enabled: fc.record({ '1min': fc.boolean(), '15min': fc.boolean(), '1hour': fc.boolean() }),
    }),
  },
);

/** Of the first series again, all of it within minutes: every pair counts. */
function nextTo(time: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    series: 1 + (index % 3),
    time: time - index * 7 * SECOND,
    value: (index * 37) % 250,
  }));
}

test('property: aggregates equal recomputation, whatever arrives when and whenever they are refreshed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
      await using database = await createDatabase({ template: true });
      const client = await database.connect();
      const reader = await database.connect();
      await addSeries(client, POLICIES.length);
      for (const [index, { tolerance, rollover, hold }] of POLICIES.entries()) {
        await client.query(
          `UPDATE tidegate.series SET counter_tolerance = $2, counter_rollover = $3, longest_hold = make_interval(secs => $4)
           WHERE series_id = $1`,
          [index + 1, tolerance, rollover, hold],
        );
      }
      let now = TODAY + 13 * HOUR + 7 * SECOND;
      let policy = levels();
      await openChunk(client, now);
      await openChunk(client, now - DAY);
      await writeBatch(client, nextTo(now, 100));
      const equal = async () => await assertEqual(client, (series) => POLICIES[series - 1] as Policy);
      for (const next of steps) {
        if ('points' in next) {
          const points = next.points.map(({ series, age, value }) => ({ series, time: now - age, value }));
          await writeBatch(client, points);
          if (next.repeat) await writeBatch(client, points);
        } else if ('passed' in next) {
          now += next.passed;
          await refresh(client, { now, levels: policy, force: false });
        } else if ('compressed' in next) {
          await compress(reader, client);
          await equal();
        } else {
          policy = levels(next.enabled);
        }
        await refresh(client, { now, levels: policy });
        await equal();
      }
    }),
    { numRuns: 8 },
  );
});
