import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Client } from 'pg';
import {
  AGGREGATE_RECORD,
  FRAME_RECORD,
  frameFrom,
  readAggregateRow,
} from '../../../src/postgres/frame-rows.ts';
import { type AggregateRows, emptyRows } from '../../../src/segments/aggregate-rows.ts';
import { decodeFrame } from '../../../src/segments/frame.ts';
import { aggregate } from '../../support/aggregate-rows.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { pointsWith, VALUES } from '../../support/points.ts';
import { storeFrames } from './segment-store.ts';

const MINUTE = 60_000_000;
const LEVELS = new Map([
  ['1min', MINUTE],
  ['15min', 15 * MINUTE],
  ['1hour', 60 * MINUTE],
  ['1day', 1_440 * MINUTE],
]);

let database: TestDatabase;
let client: Client;
let series = 0;
before(async () => {
  database = await createDatabase({ template: true });
  client = await database.connect();
});
after(() => database.drop());

async function readView(level: string, seriesId: number): Promise<AggregateRows> {
  const { rows } = await client.query<{ record: Buffer }>(
    `SELECT ${AGGREGATE_RECORD} AS record FROM tidegate."frame_rows_${level}" WHERE series_id = $1 ORDER BY bucket`,
    [seriesId],
  );
  const read = emptyRows(rows.length);
  for (const [row, { record }] of rows.entries()) readAggregateRow(record, read, row);
  return read;
}

async function readFrames(level: string, seriesId: number): Promise<AggregateRows[]> {
  const { rows } = await client.query<{ record: Buffer }>(
    `SELECT ${FRAME_RECORD} AS record FROM tidegate."frames_${level}" WHERE series_id = $1 ORDER BY start_bucket`,
    [seriesId],
  );
  return rows.map(({ record }) => decodeFrame(frameFrom(record)));
}

function assertSame(actual: readonly AggregateRows[], expected: AggregateRows): void {
  for (const column of Object.keys(expected) as (keyof AggregateRows)[]) {
    if (column === 'length') continue;
    assert.deepEqual(
      actual.flatMap((rows) => [...rows[column]]),
      [...expected[column]],
      column,
    );
  }
}

suite('frames', () => {
  for (const [kind, values] of Object.entries(VALUES)) {
    test(`property: SQL, this program and the input agree to the bit: ${kind}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          pointsWith(values, 10 ** 10),
          fc.constantFrom(...LEVELS.keys()),
          async (points, level) => {
            const seriesId = ++series;
            const rows = aggregate(seriesId, points, LEVELS.get(level) as number);
            await storeFrames(client, level, rows);
            assertSame([await readView(level, seriesId)], rows);
            assertSame(await readFrames(level, seriesId), rows);
          },
        ),
        { numRuns: 5 },
      );
    });
  }

  test('rows are never toasted; conditions reach the key; columns that are not asked for are not decoded', async () => {
    const timestamp = Float64Array.from(
      { length: 60_000 },
      (_, row) => row * MINUTE + ((row * 7_919) % 1_000) * 997,
    );
    for (let one = 0; one < 5; one++) {
      const value = timestamp.map((_, row) => Math.sin(row / 7 + one));
      await storeFrames(client, '15min', aggregate(++series, { timestamp, value }, 15 * MINUTE));
    }
    await client.query('ANALYZE tidegate."frames_15min"');
    const [size] = await database.query(
      `SELECT pg_relation_size(reltoastrelid)::int AS toasted FROM pg_class WHERE oid = 'tidegate."frames_15min"'::regclass`,
    );
    assert.deepEqual(size, { toasted: 0 });
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (COSTS OFF, VERBOSE) SELECT bucket, max FROM tidegate."frame_rows_15min"
       WHERE series_id = 3 AND end_bucket >= '1970-01-03Z' AND start_bucket < '1970-01-04Z'`,
    );
    const [, output, ...plan] = rows.map((row) => row['QUERY PLAN']);
    assert.match(plan.join(), /Index Cond: .*series_id = .*end_bucket >= .*start_bucket < /);
    assert.doesNotMatch(output ?? '', /sum_|first_time|last_/);
  });
});
