import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DAY } from '../../unit/pipeline/messages.ts';
import { at, count, openSink, type Point, points } from '../postgres/sinks.ts';
import { openPostgres, runJob } from './engines.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const RUNS = 12;

/** Rows of up to three series, a minute of the day each; a time comes once. */
const someRows = fc.uniqueArray(
  fc.record({ series: fc.nat({ max: 2 }), minute: fc.nat({ max: 1_439 }), value: fc.double() }),
  { selector: ({ series, minute }) => `${series} ${minute}`, minLength: 1, maxLength: 300 },
);

test('late points go into segments wherever they fall, those of several runs too', async () => {
  await using sink = openSink(database);
  // Only by hand: the job merges.
  const engine = openPostgres(database, { compression: { enabled: true, after: 3e12, every: 1 } });
  let day = 0;
  const run = async (first: Point[], later: readonly Point[][], name: string) => {
    const filler = { device: `filler ${day}`, metric: 'x', value: 1 };
    const dense = Array.from({ length: 1_000 }, (_, index) => ({ ...filler, time: dayStart() + index }));
    await sink.put(points([...dense, ...first]));
    await engine.compress(name);
    const expected = [...first, ...later.flat()];
    for (const late of later) {
      await sink.put(points(late));
      await runJob(engine, 'compression');
    }
    assert.equal(await count(database, 'tidegate.points_late'), 0);
    const rows = await database.query<{ device: string; time: string; value: number }>(
      `SELECT device_id AS device, extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data
       WHERE device_id LIKE $1`,
      [`${day} %`],
    );
    const key = (device: string, time: number, value: number) =>
      `${device} ${time} ${Object.is(value, -0) ? '-0' : value}`;
    assert.deepEqual(
      rows.map(({ device, time, value }) => key(device, Math.round(Number(time)), value)).sort(),
      expected.map(({ device, time, value }) => key(device, time, value)).sort(),
    );
    // No two segments of a series have a time in common.
    assert.equal(
      await count(
        database,
        `tidegate.segments a JOIN tidegate.segments b USING (series_id) WHERE a.start_ts < b.start_ts AND a.end_ts >= b.start_ts`,
      ),
      0,
    );
    const chunk = (await engine.chunks()).find((one) => one.name === name);
    assert.equal(chunk?.rows, 1_000 + expected.length);
  };
  const dayStart = () => at('2021-01-01T00:00:00Z') + day * DAY;
  await fc.assert(
    fc.asyncProperty(someRows, fc.infiniteStream(fc.nat({ max: 2 })), async (rows, shares) => {
      day++;
      const all = rows.map(
        ({ series, minute, value }): Point => ({
          device: `${day} ${series}`,
          metric: 'x',
          time: dayStart() + minute * 60_000_000,
          value,
        }),
      );
      const parts: Point[][] = [[], [], []];
      for (const point of all) parts[shares.next().value]?.push(point);
      const [first, ...later] = parts as [Point[], Point[], Point[]];
      const name = `points_${new Date(dayStart() / 1000).toISOString().slice(0, 10).replaceAll('-', '')}_000000`;
      await run(first, later, name);
    }),
    { numRuns: RUNS },
  );
});
