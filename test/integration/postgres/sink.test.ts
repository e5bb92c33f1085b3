import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { connect } from '../../../src/postgres/connection.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { batches, change, message, point, SECOND } from '../../unit/pipeline/messages.ts';
import { assertBalanced, count, fate, never, openSink, points, series } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 1000) * SECOND;

interface StoredPoint {
  readonly device_id: string;
  readonly time: string;
  readonly bits: string;
}

async function stored(device: string): Promise<StoredPoint[]> {
  return await database.query<StoredPoint>(
    `SELECT device_id, (extract(epoch FROM timestamp) * 1000000)::bigint AS time,
       encode(float8send(value), 'hex') AS bits
     FROM iot_data WHERE device_id = $1 ORDER BY timestamp`,
    [device],
  );
}

function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

test('property: times and values are stored bit for bit, by COPY and beside rows that are there', async () => {
  await using sink = openSink(database);
  let device = 0;
  const pointArbitrary = fc.record({
    // Years 1684 to 2255.
    time: fc.oneof(
      fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom(0, -1, 1, 946_684_800_000_000, 946_684_799_999_999, NOW),
    ),
    value: fc.oneof(
      fc.double(),
      fc.constantFrom(-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -5e-324),
      fc.constantFrom(Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53 + 2, 0.1 + 0.2),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(pointArbitrary, { minLength: 1, maxLength: 20, selector: ({ time }) => time }),
      async (all) => {
        const name = `bits ${device++}`;
        const sent = all.map((one) => ({ ...one, device: name, metric: 'x' }));
        await sink.put(points(sent.slice(0, 5)));
        await sink.put(points(sent));
        assert.deepEqual(
          await stored(name),
          [...all]
            .sort((left, right) => left.time - right.time)
            .map(({ time, value }) => ({ device_id: name, time: String(time), bits: bitsOf(value) })),
        );
      },
    ),
    { numRuns: 25 },
  );
});

test('COPY stores recent points bit for bit', async () => {
  await using sink = openSink(database);
  const values = [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e308, 0.1];
  const all = values.map((value, index) => ({ device: 'copied', metric: 'x', time: NOW + index, value }));
  assert.deepEqual(fate(await sink.put(points(all))), [values.length, 0, 0]);
  assert.deepEqual(
    await stored('copied'),
    all.map(({ time, value }) => ({ device_id: 'copied', time: String(time), bits: bitsOf(value) })),
  );
});

test('a point that arrives again is a duplicate, with another value a conflict; the first is kept', async () => {
  await using sink = openSink(database);
  await sink.put(series('again', NOW, 5));
  assert.deepEqual(fate(await sink.put(series('again', NOW, 5))), [0, 5, 0]);
  const changed = points([
    { device: 'again', metric: 'x', time: NOW, value: 1 },
    { device: 'again', metric: 'x', time: NOW + SECOND, value: 99 },
    { device: 'again', metric: 'x', time: NOW + 9 * SECOND, value: 10 },
  ]);
  assert.deepEqual(fate(await sink.put(changed)), [1, 1, 1]);
  assert.deepEqual(
    (await stored('again')).map(({ bits }) => bits),
    [1, 2, 3, 4, 5, 10].map(bitsOf),
  );
});

test('keep_last keeps the last, within a batch and across batches, in old chunks as well', async () => {
  await using sink = openSink(database, { onDuplicate: 'keep_last' });
  for (const from of [NOW, NOW - 4_000 * 86_400 * SECOND]) {
    const device = `last ${from}`;
    await sink.put(series(device, from, 3));
    assert.deepEqual(fate(await sink.put(series(device, from, 4, 1))), [1, 3, 0]);
    assert.deepEqual(fate(await sink.put(series(device, from, 2, 50))), [0, 0, 2]);
    const twice = await sink.put(point(device, 'x', from, 60), point(device, 'x', from, 61));
    assert.deepEqual(fate(twice), [0, 0, 2], 'both changed a value that was stored');
    assert.deepEqual(
      (await stored(device)).map(({ bits }) => bits),
      [61, 51, 3, 4].map(bitsOf),
    );
    const latest = await database.query('SELECT value FROM iot_latest WHERE device_id = $1', [device]);
    assert.deepEqual(latest, [{ value: 4 }]);
  }
});

test('two daemons that store one key at the same time count it once', async () => {
  await using first = openSink(database, { clientId: 'one', onDuplicate: 'keep_last' });
  await using second = openSink(database, { clientId: 'two', onDuplicate: 'keep_last' });
  // Both begin with what is there, so that neither copies.
  await first.put(series('shared', NOW, 1));
  await second.put(series('shared', NOW, 1));
  await first.put(series('shared', NOW, 1));
  const blocker = await database.connect();
  await blocker.query('BEGIN');
  await blocker.query(
    `INSERT INTO tidegate.points SELECT series_id, to_timestamp($1::float8 / 1e6), 1
     FROM tidegate.series WHERE device_id = 'shared'`,
    [NOW + SECOND],
  );
  const writing = second.put(point('shared', 'x', NOW + SECOND, 2));
  const waits = `pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`;
  while ((await count(database, waits)) === 0);
  await blocker.query('COMMIT');
  assert.deepEqual(fate(await writing), [0, 0, 1], 'the other one stored it, this one changed it');
});

test('messages without a time of their own are all stored, whatever time is taken', async () => {
  await using sink = openSink(database);
  const arrived = (value: number) =>
    message((out) => out.number('arrived', 'x', Number.NaN, value, 'gauge'), { receivedAt: NOW });
  await sink.put(point('arrived', 'x', NOW, 100));
  assert.deepEqual(fate(await sink.put(arrived(1), arrived(2))), [2, 0, 0]);
  assert.deepEqual(fate(await sink.put(arrived(2), point('arrived', 'x', NOW + 1, 5))), [1, 0, 1]);
  assert.deepEqual(
    (await stored('arrived')).map(({ time, bits }) => [Number(time) - NOW, bits]),
    [
      [0, bitsOf(100)],
      [1, bitsOf(1)],
      [2, bitsOf(2)],
      [3, bitsOf(2)],
    ],
  );
});

test('a metric may be number and text; a number may change its kind', async () => {
  await using sink = openSink(database);
  const kinds = () =>
    database.query(`SELECT kind, points::int FROM iot_series WHERE device_id = 'kinds' ORDER BY kind`);
  await sink.put(
    message((out) => {
      out.number('kinds', 'x', NOW, 1, 'state');
      out.text('kinds', 'x', NOW, 'error', true);
    }),
  );
  assert.deepEqual(await kinds(), [
    { kind: 'state', points: 1 },
    { kind: 'text', points: 1 },
  ]);
  await sink.put(message((out) => out.number('kinds', 'x', NOW + 1, 21.5, 'gauge')));
  await sink.put(message((out) => out.number('kinds', 'x', NOW + 2, 7, 'counter')));
  assert.deepEqual(await kinds(), [
    { kind: 'counter', points: 3 },
    { kind: 'text', points: 1 },
  ]);
});

test('a text after a number of its metric is a change, whoever stored the number', async () => {
  await using sink = openSink(database);
  await using other = openSink(database, { clientId: 'other' });
  const heat = (seconds: number) =>
    message((out) => out.text('thermostat', 'mode', NOW + seconds * SECOND, 'heat', true));
  const off = (seconds: number) => point('thermostat', 'mode', NOW + seconds * SECOND, 0);
  await sink.put(heat(0));
  await sink.put(heat(1));
  await other.put(off(2));
  await sink.put(heat(3));
  await sink.put(off(4));
  await sink.put(heat(5));
  await using restarted = openSink(database);
  await restarted.put(off(6));
  await restarted.put(heat(7));
  const rows = await database.query<{ seconds: string }>(
    `SELECT extract(epoch FROM ts)::bigint - ${NOW / SECOND} AS seconds FROM tidegate.series
     JOIN tidegate.texts USING (series_id) WHERE device_id = 'thermostat' ORDER BY ts`,
  );
  assert.deepEqual(
    rows.map(({ seconds }) => Number(seconds)),
    [0, 3, 5, 7],
  );
});

test('a text after a number is a change also where the line was cut once the series of numbers was created', async () => {
  let cut = false;
  await using sink = openSink(database, {
    connect: async (options) => {
      const client = await connect(options);
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      const cutAfter = async (...args: unknown[]): Promise<unknown> => {
        const result = await query(...args);
        if (!cut || !String(args[0]).includes('INSERT INTO "tidegate".series ')) return result;
        cut = false;
        throw Object.assign(new Error('cut'), { code: 'ECONNRESET' });
      };
      return Object.assign(client, { query: cutAfter });
    },
  });
  const heat = (seconds: number) =>
    message((out) => out.text('boiler', 'mode', NOW + seconds * SECOND, 'heat', true));
  const off = point('boiler', 'mode', NOW + SECOND, 0);
  await sink.put(heat(0));
  cut = true;
  await assert.rejects(sink.put(off), /cut/);
  assert.equal(cut, false);
  await sink.put(off);
  assert.equal((await sink.put(heat(2))).unchanged, 0);
});

test('ids of series past 2^32 are carried exactly', async () => {
  await database.query('ALTER TABLE tidegate.series ALTER COLUMN series_id RESTART WITH 9007199254740000');
  await using sink = openSink(database);
  await sink.put(series('large id', NOW, 3));
  assert.deepEqual(fate(await sink.put(series('large id', NOW, 3))), [0, 3, 0]);
  assert.deepEqual(
    await database.query(`SELECT series_id FROM tidegate.series WHERE device_id = 'large id'`),
    [{ series_id: '9007199254740000' }],
  );
  assert.equal(await count(database, `iot_data WHERE device_id = 'large id'`), 3);
});

test('an empty batch commits its counts', async () => {
  await using sink = openSink(database, { clientId: 'empty' });
  const batch = { ...batches()(), apart: { ignored: 3, dropped: 2, droppedPoints: 0 } };
  assertBalanced(batch, await sink.write(batch, never()));
  assert.deepEqual((await sink.totals()).totals.messages, {
    settled: 0,
    ignored: 3,
    dead_lettered: 0,
    dropped: 2,
  });
});

test('synchronous_commit is on, whatever the role says', async () => {
  const role = await database.query<{ role: string }>('SELECT current_user AS role');
  await database.query(
    `ALTER ROLE ${role[0]?.role} IN DATABASE ${database.name} SET synchronous_commit = off`,
  );
  await database.query(
    `ALTER ROLE ${role[0]?.role} IN DATABASE ${database.name} SET default_transaction_isolation = 'serializable'`,
  );
  await database.query(`CREATE TABLE public.seen (synchronous_commit text, isolation text)`);
  await database.query(`CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.seen VALUES (current_setting('synchronous_commit'), current_setting('transaction_isolation'));
    RETURN NULL; END $$`);
  await database.query(`CREATE TRIGGER see AFTER INSERT ON tidegate.batches EXECUTE FUNCTION public.see()`);
  await using sink = openSink(database);
  await sink.put(change('settings', 'x', NOW, 'on'));
  assert.deepEqual(await database.query('SELECT * FROM public.seen'), [
    { synchronous_commit: 'on', isolation: 'read committed' },
  ]);
});
