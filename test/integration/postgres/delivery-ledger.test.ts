import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { splitBatch } from '../../../src/pipeline/batch.ts';
import type { Delivery, LedgerEntry } from '../../../src/pipeline/types.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { batches, message, SECOND } from '../../unit/pipeline/messages.ts';
import { never, openSink, type TestSink } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;

function entry(ordinal: number, more: Partial<LedgerEntry> = {}): LedgerEntry {
  const digests = { topicDigest: 0xffff_ffff - ordinal, payloadDigest: ordinal };
  return { epoch: 1, ordinal, packetId: (ordinal % 65_535) + 1, ...digests, duplicate: false, ...more };
}

/** A message of one point of its own without a time. */
function untimed({ duplicate, ...identity }: LedgerEntry): Delivery {
  return message((out) => out.number('a', 'x', Number.NaN, identity.ordinal, 'gauge'), {
    identity,
    duplicate,
    packetId: identity.packetId,
    receivedAt: NOW,
  });
}

async function put(sink: TestSink, ...entries: readonly LedgerEntry[]): Promise<void> {
  await sink.write(batches()(...entries.map(untimed)), never());
}

const firsts = async (database: TestDatabase): Promise<number[]> => {
  const rows = await database.query<{ first: number }>(
    'SELECT first_ordinal::int AS first FROM tidegate.deliveries ORDER BY 1',
  );
  return rows.map(({ first }) => first);
};

test('whatever is written is loaded again, in the order of the ordinals, for its client id alone', async () => {
  await using database = await createDatabase({ template: true });
  let client = 0;
  const ids = fc.uniqueArray(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(ids, fc.nat({ max: 20 }), fc.boolean(), async (ordinals, at, duplicate) => {
      await using sink = openSink(database, { clientId: `client ${client++}` });
      const entries = ordinals.map((ordinal, index) =>
        entry(ordinal, { duplicate: duplicate && index % 2 === 0 }),
      );
      const halves = [entries.slice(0, at), entries.slice(at)];
      for (const half of halves) if (half.length > 0) await put(sink, ...half);
      assert.deepEqual(await sink.sessions.load(), {
        filters: [],
        epoch: 1,
        entries: entries.toSorted((one, other) => one.ordinal - other.ordinal),
      });
    }),
    { numRuns: 30 },
  );
});

test('a row comes with its batch or not at all, and each part of a split batch has its own', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const whole = batches()(...[0, 1, 2, 3].map((ordinal) => untimed(entry(ordinal))));
  await database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$`);
  await database.query(
    `CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON tidegate.deliveries DEFERRABLE INITIALLY DEFERRED
     FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  await assert.rejects(sink.write(whole, never()));
  assert.deepEqual(await database.query('SELECT FROM iot_data'), []);
  assert.deepEqual(await firsts(database), []);
  await database.query('DROP TRIGGER refuse ON tidegate.deliveries');
  for (const half of splitBatch(whole)) await sink.write(half, never());
  assert.deepEqual(await firsts(database), [0, 2]);
  assert.equal((await sink.sessions.load()).entries.length, 4);
});

test('without identities there are no rows', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(message((out) => out.number('a', 'x', NOW, 1, 'gauge')));
  assert.deepEqual(await firsts(database), []);
  assert.deepEqual(await sink.sessions.load(), { epoch: 0, entries: [], filters: [] });
});

test('what is forgotten goes with the next maintenance: whole rows, and all of earlier epochs', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await using other = openSink(database, { clientId: 'other' });
  await put(sink, entry(0), entry(1, { duplicate: true }));
  await put(sink, entry(2), entry(3));
  await put(sink, entry(4));
  await put(other, entry(0));
  sink.sessions.forget(1, 3);
  assert.deepEqual(await firsts(database), [0, 0, 2, 4]);
  await sink.maintain();
  assert.deepEqual(await firsts(database), [0, 2, 4], 'the second row has one that is asked for still');
  sink.sessions.forget(2, 0);
  await sink.maintain();
  assert.deepEqual(await firsts(database), [0], "the other client's");
});

test('the greatest epoch wins, and what a batch brought of an earlier one is left aside', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.sessions.subscribed(['a/+', 'b/+']);
  await sink.sessions.begin(1);
  await sink.sessions.subscribed(['a/+']);
  await sink.sessions.begin(3);
  await sink.sessions.begin(2);
  assert.deepEqual(await sink.sessions.load(), { epoch: 3, entries: [], filters: ['a/+'] });
  await put(sink, entry(9, { epoch: 3 }), entry(0, { epoch: 4 }));
  // Spooled before the database was told of the epoch.
  assert.deepEqual(await sink.sessions.load(), {
    epoch: 4,
    entries: [entry(0, { epoch: 4 })],
    filters: ['a/+'],
  });
});

test('two daemons that count alike write into one row and do not refuse each other', async () => {
  await using database = await createDatabase({ template: true });
  await using one = openSink(database);
  await using two = openSink(database);
  await put(one, entry(0), entry(1));
  await put(two, entry(0, { packetId: 9 }));
  assert.equal((await one.sessions.load()).entries.length, 3);
});

test('loading waits for a COMMIT that an earlier life had sent', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await put(sink, entry(0));
  const before = await database.connect();
  await before.query('BEGIN; SELECT pg_advisory_xact_lock_shared(tidegate.chunk_map_lock())');
  await before.query(`INSERT INTO tidegate.deliveries SELECT client_id, epoch, 5, gen_random_uuid(), entries
    FROM tidegate.deliveries`);
  const loading = sink.sessions.load();
  for (;;) {
    const waiting = await database.query(
      `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
       WHERE locktype = 'advisory' AND NOT granted`,
    );
    if (waiting.length > 0) break;
  }
  await before.query('COMMIT');
  assert.deepEqual(
    (await loading).entries.map(({ ordinal }) => ordinal),
    [0, 5],
  );
});
