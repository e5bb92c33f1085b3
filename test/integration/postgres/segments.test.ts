import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { SEGMENT_RECORD, segmentFrom } from '../../../src/postgres/segment-rows.ts';
import { decodePoints, type Points } from '../../../src/segments/segment.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { storeSegments } from './segment-store.ts';

let database: TestDatabase;
let client: Client;
before(async () => {
  database = await createDatabase({ template: true });
  client = await database.connect();
  await client.query(`SET TimeZone = 'UTC'`);
});
after(() => database.drop());

/** A point as PostgreSQL has it: microseconds since 1970, the value's bits. */
interface Row {
  readonly time: string;
  readonly bits: string;
}

const MICROSECONDS = `(extract(epoch FROM ts) * 1000000)::bigint::text AS time`;
const BITS = `encode(float8send(value), 'hex') AS bits`;

function rowsOf(points: Points): Row[] {
  return Array.from(points.timestamp, (time, index) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(points.value[index] as number);
    return { time: String(time), bits: bytes.toString('hex') };
  });
}

const value = fc.oneof(
  fc.double().map((one) => (Number.isNaN(one) ? Number.NaN : one)),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -100_000, max: 100_000 }).map((whole) => whole / 100),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 5e-324, 1e308, 2 ** 53, 2 ** 63, 0.1 + 0.2),
);
const values = fc.oneof(
  fc.array(value, { minLength: 1, maxLength: 400, size: 'max' }),
  fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 1, maxLength: 3_000, size: 'max' }),
  fc
    .tuple(value, fc.array(fc.nat(1_000), { minLength: 1, maxLength: 400, size: 'max' }))
    .map(([start, steps]) => {
      let sum = start;
      return steps.map((step) => (sum += step));
    }),
  fc.array(fc.constantFrom(0, 1, -0, Number.NaN), { minLength: 1, maxLength: 400, size: 'max' }),
  fc.array(fc.integer().map(Math.fround), { minLength: 1, maxLength: 400, size: 'max' }),
);
const points: fc.Arbitrary<Points> = fc
  .tuple(
    values,
    fc.constantFrom(1_000_000, 1_000, 1, 60_000_000, 86_400_000_000),
    fc.integer({ min: 1, max: 50_000 }),
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER - 3 * 10 ** 15 }),
    fc.infiniteStream(fc.nat()),
  )
  .map(([list, unit, jitter, start, noise]) => {
    let time = start;
    const times = list.map(
      () => (time += Math.min(unit * (1 + ((noise.next().value as number) % jitter)), 10 ** 12)),
    );
    return { timestamp: Float64Array.from(times), value: Float64Array.from(list) };
  });

suite('segments', () => {
  test('property: SQL, this program and the input agree to the bit', async () => {
    let seriesId = 0;
    await fc.assert(
      fc.asyncProperty(points, async (input) => {
        seriesId++;
        await storeSegments(client, seriesId, input);
        const { rows } = await client.query<Row>(
          `SELECT ${MICROSECONDS}, ${BITS} FROM tidegate.segment_points WHERE series_id = $1 ORDER BY ts`,
          [seriesId],
        );
        assert.deepEqual(rows, rowsOf(input));
        const { rows: records } = await client.query<{ record: Buffer }>(
          `SELECT ${SEGMENT_RECORD} AS record FROM tidegate.segments WHERE series_id = $1 ORDER BY start_ts`,
          [seriesId],
        );
        const decoded = records.map(({ record }) => segmentFrom(record));
        assert.ok(decoded.every((one) => one.seriesId === seriesId));
        assert.deepEqual(
          decoded.flatMap(({ segment }) => rowsOf(decodePoints(segment))),
          rows,
        );
      }),
      { numRuns: 15 },
    );
  });
});
