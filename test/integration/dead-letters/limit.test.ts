import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadLetterLimit, LETTER_OVERHEAD } from '../../../src/postgres/dead-letter-limit.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { publish, startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';
import { at, count } from '../postgres/sinks.ts';
import { configured, receive } from './letters.ts';

const NOON = at('2026-03-02T12:00:00Z');
const NAMES = schemaNames('public');
const COUNTED = `SELECT sum(octet_length(payload) + octet_length(topic) + octet_length(detail) + ${LETTER_OVERHEAD})::int AS bytes
  FROM tidegate.dead_letters`;

const letters = (from: number, many: number) =>
  Array.from({ length: many }, (_, index) => ({
    topic: 'nobody',
    payload: 'x'.repeat(800),
    at: NOON + (from + index) * 1_000,
  }));

test('beyond the limit the oldest go, down to nine tenths of it, and are counted', async () => {
  await using database = await createDatabase({ template: true });
  const client = await database.connect();
  const config = configured(database);
  let now = 0;
  const limit = new DeadLetterLimit(NAMES, 5_000_000, () => now);
  const total = async () => (await database.query<{ bytes: number }>(COUNTED))[0]?.bytes ?? 0;

  await receive(config, letters(0, 3_000));
  assert.deepEqual(await limit.enforce(client), { bytes: await total(), letters: 0, freed: 0 });
  await receive(config, letters(3_000, 3_000));
  const before = await total();
  assert.ok(before > 5_000_000);
  const report = await limit.enforce(client);
  assert.equal(report.bytes, await total());
  assert.equal(report.freed, before - report.bytes);
  assert.ok(report.bytes <= 4_500_000 && report.bytes > 4_490_000, String(report.bytes));
  assert.equal(report.letters, 6_000 - (await count(database, 'iot_dead_letters')));
  const [left] = await database.query<{ first: string }>(
    `SELECT (extract(epoch FROM min(received_at)) * 1000000)::bigint::text AS first FROM iot_dead_letters`,
  );
  assert.equal(Number(left?.first), NOON + report.letters * 1_000, 'not the oldest went');

  // What others delete is noticed by the next count at the latest, and before anything goes for no reason.
  await database.query('DELETE FROM tidegate.dead_letters');
  await receive(config, letters(6_000, 1_000));
  assert.deepEqual(
    [(await limit.enforce(client)).letters, await count(database, 'iot_dead_letters')],
    [0, 1_000],
  );
  now += 3_600_000;
  assert.equal((await limit.enforce(client)).bytes, await total());
});

test('what a replay has in hand is left to it, and another daemon that deletes is not disturbed', async () => {
  await using database = await createDatabase({ template: true });
  const client = await database.connect();
  await receive(configured(database), letters(0, 100));
  const limit = () => new DeadLetterLimit(NAMES, 50_000, () => 0);
  const other = await database.connect();
  await other.query('BEGIN; SELECT FROM tidegate.dead_letters ORDER BY received_at LIMIT 10 FOR UPDATE');
  const report = await limit().enforce(client);
  assert.ok(report.letters >= 55 && report.letters < 70, JSON.stringify(report));
  assert.equal(
    await count(database, `iot_dead_letters WHERE received_at < to_timestamp($1::float8)`, NOON / 1e6 + 0.01),
    10,
  );
  await other.query(
    `ROLLBACK; BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('tidegate dead letters of tidegate', 0))`,
  );
  await receive(configured(database), letters(100, 100));
  assert.equal((await limit().enforce(client)).letters, 0);
  await other.query('ROLLBACK');
  assert.ok((await limit().enforce(client)).letters > 0);
});

test('a flood from one device: the daemon keeps to the limit, says whose it is, and counts what went', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({
    env: { ...addresses(broker, database.url), TIDEGATE_DEAD_LETTERS_MAX_BYTES: '1MiB' },
  });
  const flood = (from: number) =>
    Array.from({ length: 1_000 }, (_, index) => ({
      topic: (from + index) % 10 === 0 ? `devices/calm-${index}/level` : 'devices/flood/level',
      payload: `{"no json ${'x'.repeat(500)}`,
    }));
  for (let round = 0; round < 6; round++) {
    await publish(broker.url, flood(round));
    await eventually('they are kept', async () => {
      const { messages } = await daemon.stats();
      return messages.dead_lettered === (round + 1) * 1_000;
    });
  }
  await daemon.logged(/Dead letters reached dead_letters\.max_bytes: the \d+ oldest were deleted/);
  await eventually('the limit holds', async () => {
    const [row] = await database.query<{ bytes: number }>(COUNTED);
    return (row?.bytes ?? 0) <= 1_048_576;
  });
  // A line may be of a batch of one, and the next comes ten seconds later, with what is bad then.
  let published = 6_000;
  await eventually('the log says whose it is', async () => {
    await publish(broker.url, flood(1).slice(0, 1));
    published++;
    return /"topic":"devices\/flood\/level"/.test(daemon.output());
  });
  const metrics = await eventually('the metrics say so', async () => {
    const left = await count(database, 'iot_dead_letters');
    const text = await (await fetch(`${daemon.url}/metrics`)).text();
    const deleted = /^tidegate_dead_letters_deleted_total (\d+)$/m.exec(text)?.[1];
    return Number(deleted) === published - left && text;
  });
  assert.match(metrics, /^tidegate_dead_letters_limit_bytes 1048576$/m);
  assert.match(metrics, /^tidegate_dead_letters_bytes \d+$/m);
  assert.equal(await daemon.stop(), 0);
});
