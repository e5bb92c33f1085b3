import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { finished } from 'node:stream/promises';
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows, float8Array, int8Array, timestamptzArray } from '../../../src/postgres/binary.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let client: Client;
before(async () => {
  database = await createDatabase();
  client = await database.connect();
  await client.query(`SET TimeZone = 'UTC'`);
  await client.query('CREATE TEMP TABLE copied (id bigint, ts timestamptz, value float8)');
});
after(() => database.drop());

/** What PostgreSQL makes of a column: as text, doubles as their bits. */
async function readBack(type: string, column: Buffer, expression: string): Promise<string[]> {
  const { rows } = await client.query<{ read: string }>(
    `SELECT ${expression} AS read FROM unnest($1::${type}[]) WITH ORDINALITY AS c (value, position) ORDER BY position`,
    [column],
  );
  return rows.map(({ read }) => read);
}

const MICROSECONDS = '(extract(epoch FROM value) * 1000000)::bigint::text';
const BITS = `encode(float8send(value), 'hex')`;

function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

const double = fc.oneof(
  fc.double(),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -2.2e-308),
);
// The whole range of microseconds that a double holds exactly; every edge of a 32-bit half among them.
const whole = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER),
  fc.constantFrom(946_684_800_000_000, 946_684_799_999_999, Number.MIN_SAFE_INTEGER),
);
const RUNS = { numRuns: 40 };

test('property: bigint[]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(whole), async (values) => {
      assert.deepEqual(await readBack('bigint', int8Array(values), 'value::text'), values.map(String));
    }),
    RUNS,
  );
});

test('property: timestamptz[]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(whole), async (values) => {
      assert.deepEqual(
        await readBack('timestamptz', timestamptzArray(values), MICROSECONDS),
        values.map(String),
      );
    }),
    RUNS,
  );
});

test('property: double precision[]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(double), async (values) => {
      assert.deepEqual(await readBack('double precision', float8Array(values), BITS), values.map(bitsOf));
    }),
    RUNS,
  );
});

test('times read as PostgreSQL writes them', async () => {
  const texts = ['1684-08-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '2000-01-01 00:00:00+00'];
  const times = texts.map(
    (text) => Date.parse(text.replace('.999999', '.999')) * 1000 + (text.includes('.') ? 999 : 0),
  );
  assert.deepEqual(await readBack('timestamptz', timestamptzArray(times), 'value::text'), texts);
});

test('property: COPY rows', async () => {
  const row = fc.record({ id: fc.nat({ max: Number.MAX_SAFE_INTEGER }), time: whole, value: double });
  await fc.assert(
    fc.asyncProperty(fc.array(row), async (rows) => {
      await client.query('TRUNCATE copied');
      const stream = client.query(copyFrom('COPY copied FROM STDIN WITH (FORMAT binary)'));
      stream.end(
        copyRows({
          length: rows.length,
          // Columns may be longer than what counts.
          seriesId: Float64Array.from([...rows.map(({ id }) => id), 7, 7]),
          timestamp: Float64Array.from([...rows.map(({ time }) => time), 7, 7]),
          value: Float64Array.from([...rows.map(({ value }) => value), 7, 7]),
        }),
      );
      await finished(stream);
      const { rows: found } = await client.query<{ id: string; time: string; bits: string }>(
        `SELECT id, (extract(epoch FROM ts) * 1000000)::bigint AS time, ${BITS} AS bits FROM copied`,
      );
      assert.deepEqual(
        found,
        rows.map(({ id, time, value }) => ({ id: String(id), time: String(time), bits: bitsOf(value) })),
      );
    }),
    RUNS,
  );
});
