import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { readKeyedRows } from '../../../src/postgres/copy-reader.ts';
import { SEGMENT_RECORD, segmentFrom } from '../../../src/postgres/segment-rows.ts';
import { decodePoints, type Points } from '../../../src/segments/segment.ts';
import { encodeRows } from '../../../src/segments/segment-stream.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { pointsWith, VALUES } from '../../support/points.ts';
import { storeSegments } from './segment-store.ts';

let database: TestDatabase;
let client: Client;
let series = 0;
before(async () => {
  database = await createDatabase({ template: true });
  client = await database.connect();
  await client.query(`SET TimeZone = 'UTC'`);
});
after(() => database.drop());

/** A point as PostgreSQL has it: microseconds since 1970 and the value's bits. */
interface Row {
  readonly time: string;
  readonly bits: string;
}

const TIME_AND_BITS = `(extract(epoch FROM ts) * 1000000)::bigint::text AS time, encode(float8send(value), 'hex') AS bits`;

function rowsOf(points: Points): Row[] {
  return Array.from(points.timestamp, (time, index) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(points.value[index] as number);
    return { time: String(time), bits: bytes.toString('hex') };
  });
}

async function explain(sql: string): Promise<string> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF, VERBOSE) ${sql}`);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

suite('segments', () => {
  for (const [kind, values] of Object.entries(VALUES)) {
    test(`property: SQL, this program and the input agree to the bit: ${kind}`, async () => {
      await fc.assert(
        fc.asyncProperty(pointsWith(values, 10 ** 10), async (points) => {
          const seriesId = ++series;
          await storeSegments(client, seriesId, points);
          const { rows } = await client.query<Row>(
            `SELECT ${TIME_AND_BITS} FROM tidegate.segment_points WHERE series_id = $1 ORDER BY ts`,
            [seriesId],
          );
          assert.deepEqual(rows, rowsOf(points));
          const { rows: records } = await client.query<{ record: Buffer }>(
            `SELECT ${SEGMENT_RECORD} AS record FROM tidegate.segments WHERE series_id = $1 ORDER BY start_ts`,
            [seriesId],
          );
          const read = records.map(({ record }) => segmentFrom(record));
          assert.ok(read.every((one) => one.seriesId === seriesId));
          const decoded = read.flatMap(({ segment }) => rowsOf(decodePoints(segment)));
          assert.deepEqual(decoded, rowsOf(points));
        }),
        { numRuns: 4 },
      );
    });
  }

  test('rows are never toasted and tell what they hold', async () => {
    const timestamp = Float64Array.from(
      { length: 5_000 },
      (_, row) => Date.UTC(2026, 0, 5) * 1_000 + row ** 2,
    );
    const seriesId = ++series;
    const value = timestamp.map((_, row) => Math.sin(row));
    await storeSegments(client, seriesId, { timestamp, value });
    const [found] = await database.query<Record<string, unknown>>(
      `SELECT bool_and(pg_column_size(s.*) BETWEEN 1800 AND 2032) AS fits, sum(n)::int AS n, sum(v_count)::int AS count,
         max(v_max) = $2 AS max, min(v_min) = $3 AS min, abs(sum(v_sum) - $4) < 1e-9 AS sum
       FROM (SELECT s.*, row_number() OVER (ORDER BY start_ts DESC) > 1 AS is_full FROM tidegate.segments s
         WHERE series_id = $1) s`,
      [seriesId, Math.max(...value), Math.min(...value), value.reduce((left, right) => left + right, 0)],
    );
    const { fits: _fits, ...rest } = found ?? {};
    assert.deepEqual(rest, { n: 5_000, count: 5_000, max: true, min: true, sum: true });
    const [toasted] = await database.query(
      `SELECT sum(pg_relation_size(reltoastrelid))::int AS bytes FROM pg_class
       WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'tidegate.segments'::regclass)`,
    );
    assert.deepEqual(toasted, { bytes: 0 });
  });

  test('a range of one series reads the key of one partition; a column that is not asked for is not decoded', async () => {
    const start = Date.UTC(2026, 0, 5) * 1_000;
    const timestamp = Float64Array.from({ length: 60_000 }, (_, row) => start + row * 60_000_000);
    for (let one = 0; one < 10; one++) {
      await storeSegments(client, ++series, {
        timestamp,
        value: timestamp.map((_, row) => Math.sin(row + one)),
      });
    }
    await client.query('VACUUM ANALYZE tidegate.segments');
    const plan = await explain(
      `SELECT ts FROM tidegate.segment_points WHERE series_id = ${series}
         AND start_ts >= date_bin('28 days', timestamptz '2026-02-03Z', timestamptz '2000-01-03Z')
         AND start_ts < '2026-02-04Z' AND end_ts >= '2026-02-03Z' AND ts >= '2026-02-03Z' AND ts < '2026-02-04Z'`,
    );
    assert.match(plan, /Index Scan using segments_20260126_pkey/);
    assert.match(plan, /Index Cond: .*series_id = .*end_ts >= .*start_ts >= .*start_ts < /);
    assert.doesNotMatch(plan, /segments_(?!20260126)\d/);
    assert.doesNotMatch(plan, /v_codes|v_doubles/);
    const each = await explain(
      `SELECT p.ts, p.value FROM unnest('{1,2}'::bigint[]) AS wanted (id), LATERAL (
         SELECT ts, value FROM tidegate.segment_points s WHERE s.series_id = wanted.id
           AND start_ts >= timestamptz '2026-01-26Z' AND start_ts < '2026-02-04Z' AND end_ts >= '2026-02-03Z') p`,
    );
    assert.match(each, /Index Cond: \(\(s\.series_id = wanted\.id\) AND \(s\.end_ts >= /);
  });

  test('a partition is opened once, for its 28 days', async () => {
    const moment = '1999-12-31T00:00:00Z';
    await Promise.all(
      [1, 2, 3].map(() => database.query('SELECT tidegate.open_segment_partition($1)', [moment])),
    );
    const [found] = await database.query<{ bounds: string }>(
      `SELECT pg_get_expr(relpartbound, oid) AS bounds FROM pg_class WHERE relname = 'segments_19991206'`,
    );
    assert.match(found?.bounds ?? '', /1999-12-06 00:00:00\+00'\) TO \('2000-01-03 00:00:00\+00/);
  });

  test('a chunk streams from COPY into segments', async () => {
    await client.query('CREATE TEMP TABLE leaf (series_id bigint, ts timestamptz, value float8)');
    await client.query(
      `INSERT INTO leaf SELECT s, timestamptz '2026-01-25Z' + i * interval '3 seconds', s + i % 100 / 10.0
       FROM generate_series(1, 3) s, generate_series(1, 20000 * s) i UNION ALL VALUES (9, timestamptz '2026-01-26Z', 'NaN'::float8)`,
    );
    const copied = client.query(
      copyTo('COPY (SELECT series_id, ts, value FROM leaf ORDER BY series_id, ts) TO STDOUT (FORMAT binary)'),
    );
    const decoded: (Row & { series: string })[] = [];
    for await (const { seriesId, segment } of encodeRows(readKeyedRows(copied))) {
      for (const row of rowsOf(decodePoints(segment))) decoded.push({ series: String(seriesId), ...row });
    }
    const { rows } = await client.query(
      `SELECT series_id::text AS series, ${TIME_AND_BITS} FROM leaf ORDER BY series_id, ts`,
    );
    assert.equal(decoded.length, 120_001);
    assert.deepEqual(decoded, rows);
  });
});
