import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadLetters } from '../../../src/letters/dead-letters.ts';
import { ALL_LETTERS } from '../../../src/postgres/dead-letter-selection.ts';
import { migrate } from '../../../src/postgres/migrate.ts';
import { createDatabase } from '../../support/database.ts';
import { change } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { at, count, never, openSink } from '../postgres/sinks.ts';
import { configured, lettersOf, receive, storedIn } from './letters.ts';

const NOON = at('2026-03-02T12:00:00Z');
const ORDER = { limit: null, dryRun: false };
const JSON_ROUTE = [{ topic: 'plant/{device_id}', format: 'json', flatten: true }];

test('what had no route is stored by the route of today, in the time of its receipt', async () => {
  await using database = await createDatabase({ template: true });
  const topics = ['plant/Kühlraum 3', 'plant/温度', 'plant/🌡️', "plant/O'Brien; --"];
  await receive(
    configured(database),
    topics.map((topic, index) => ({ topic, payload: `{"level": ${index}}`, at: NOON + index * 1_000_000 })),
  );
  assert.deepEqual(
    (await lettersOf(database)).map(({ code, stored }) => [code, stored]),
    topics.map(() => ['no_route', 0]),
  );
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'somebody@here');
  const dry = await dead.replay(ALL_LETTERS, { limit: null, dryRun: true }, never());
  assert.deepEqual([dry.dry_run, dry.replayed, dry.points.stored, dry.complete], [true, 4, 4, true]);
  assert.deepEqual(dry.sample[1], {
    device_id: '温度',
    metric_name: 'level',
    value: 1,
    timestamp: '2026-03-02T12:00:01.000000Z',
  });
  assert.deepEqual(await storedIn(database), []);

  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual(
    [report.dry_run, report.letters, report.replayed, report.failed, report.taken, report.complete],
    [false, 4, 4, 0, 0, true],
  );
  assert.deepEqual(report.points, {
    decoded: 4,
    stored: 4,
    duplicate: 0,
    conflict: 0,
    dead_lettered: 0,
    dropped: 0,
  });
  assert.deepEqual(await lettersOf(database), []);
  assert.deepEqual(
    await storedIn(database),
    topics.map((topic, index) => `${topic.slice(6)} level ${NOON + index * 1_000_000} ${index}`).sort(),
  );
  // Apart from the daemon's account, and what a series holds is right at once.
  assert.deepEqual(
    await database.query(
      `SELECT client_id, messages_settled::int AS n FROM tidegate.ingest_totals WHERE messages_settled > 0`,
    ),
    [{ client_id: 'tidegate replay', n: 4 }],
  );
  assert.deepEqual(await database.query('SELECT DISTINCT points::int FROM iot_series'), [{ points: 1 }]);
  const [entry] = await database.query<{ actor: string; action: string; counts: object }>(
    'SELECT actor, action, counts FROM iot_audit',
  );
  assert.match(entry?.actor ?? '', /^somebody@here as /);
  assert.deepEqual([entry?.action, entry?.counts], ['replay dead letters', { replayed: 4, failed: 0 }]);
});

test('what fails again keeps its row, with the reason of today', async () => {
  await using database = await createDatabase({ template: true });
  await receive(configured(database), [
    { topic: 'plant/a', payload: '{"level": 1}', at: NOON },
    { topic: 'plant/b', payload: 'no json', at: NOON },
    { topic: 'elsewhere', payload: '1', at: NOON },
  ]);
  const ids = await database.query(
    'SELECT dead_letter_id FROM iot_dead_letters WHERE topic <> $1 ORDER BY 1',
    ['plant/a'],
  );
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual(
    [report.replayed, report.failed, report.reasons],
    [1, 2, { payload_not_json: 1, no_route: 1 }],
  );
  assert.deepEqual(
    await database.query('SELECT topic, code, route FROM iot_dead_letters ORDER BY dead_letter_id'),
    [
      { topic: 'plant/b', code: 'payload_not_json', route: 'plant/{device_id}' },
      { topic: 'elsewhere', code: 'no_route', route: null },
    ],
  );
  assert.deepEqual(await database.query('SELECT dead_letter_id FROM iot_dead_letters ORDER BY 1'), ids);
});

test('a value that is there stays, also with keep_last', async () => {
  await using database = await createDatabase({ template: true });
  const keepLast = { TIDEGATE_INGEST_ON_DUPLICATE: 'keep_last' };
  const point = (value: number) => JSON.stringify({ a: value, timestamp: NOON / 1e6 });
  await receive(configured(database), [{ topic: 'plant/x', payload: point(1), at: NOON }]);
  await receive(configured(database, JSON_ROUTE, keepLast), [
    { topic: 'plant/x', payload: point(2), at: NOON + 1 },
  ]);
  const dead = new DeadLetters(configured(database, JSON_ROUTE, keepLast), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.points.conflict], [1, 1]);
  assert.deepEqual(await storedIn(database), [`x a ${NOON} 2`]);
});

test('two replays at once store no letter twice', async () => {
  await using database = await createDatabase({ template: true });
  const many = Array.from({ length: 1_300 }, (_, index) => ({
    topic: `plant/d${index % 7}`,
    // The texts make each batch change what other writers know of their series.
    payload: JSON.stringify({ level: index, ...(index % 3 === 0 && { state: `s${index}` }) }),
    at: NOON + Math.floor(index / 50) * 1_000,
  }));
  await receive(configured(database), many);
  const replays = ['one', 'two', 'three'].map(async (actor) => {
    return await new DeadLetters(configured(database, JSON_ROUTE), actor).replay(ALL_LETTERS, ORDER, never());
  });
  const reports = await Promise.all(replays);
  const sum = (key: 'replayed' | 'failed') => reports.reduce((total, report) => total + report[key], 0);
  assert.deepEqual([sum('replayed'), sum('failed')], [1_300, 0], JSON.stringify(reports));
  assert.deepEqual(await lettersOf(database), []);
  const values = await database.query<{ value: number }>('SELECT value FROM iot_data ORDER BY value');
  assert.deepEqual(
    values.map(({ value }) => value),
    many.map((_, index) => index),
  );
  assert.equal(await count(database, 'iot_text'), 434);
  const [audit] = await database.query<{ replayed: number }>(
    `SELECT sum((counts->>'replayed')::int)::int AS replayed FROM iot_audit`,
  );
  assert.equal(audit?.replayed, 1_300);
});

test('a replay leaves letters alone that another transaction has in hand, and stores the others', async () => {
  await using database = await createDatabase({ template: true });
  await receive(configured(database), [
    { topic: 'plant/a', payload: '{"level": 1}', at: NOON },
    { topic: 'plant/b', payload: '{"level": 2}', at: NOON },
  ]);
  const other = await database.connect();
  await other.query(`BEGIN; SELECT FROM tidegate.dead_letters WHERE topic = 'plant/a' FOR UPDATE`);
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.taken], [1, 1]);
  assert.deepEqual(await storedIn(database), [`b level ${NOON} 2`]);
  await other.query('ROLLBACK');
  assert.equal((await dead.replay(ALL_LETTERS, ORDER, never())).replayed, 1);
});

test('the rows of a message that PostgreSQL refuses stay, those around it are stored', async () => {
  await using database = await createDatabase({ template: true });
  await receive(
    configured(database),
    Array.from({ length: 20 }, (_, index) => ({
      topic: `plant/d${index}`,
      payload: `{"level": ${index}}`,
      at: NOON,
    })),
  );
  await database.query('ALTER TABLE tidegate.points_late ADD CONSTRAINT thirteen CHECK (value <> 13)');
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.failed, report.letters], [19, 1, 20]);
  assert.deepEqual(
    (await lettersOf(database)).map(({ topic, code }) => [topic, code]),
    [['plant/d13', 'database_rejected']],
  );
  assert.equal(await count(database, 'iot_data'), 19);
});

test('a replay that is stopped leaves what it did not come to', async () => {
  await using database = await createDatabase({ template: true });
  await receive(
    configured(database),
    Array.from({ length: 1_200 }, (_, index) => ({
      topic: 'plant/d',
      payload: `{"level": ${index}}`,
      at: NOON + index * 1_000,
    })),
  );
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'x');
  const none = await dead.replay(ALL_LETTERS, ORDER, AbortSignal.abort());
  assert.deepEqual([none.replayed, none.complete], [0, false]);
  const some = await dead.replay(ALL_LETTERS, { limit: 700, dryRun: false }, never());
  assert.deepEqual([some.replayed, some.complete], [700, true]);
  assert.equal(await count(database, 'iot_dead_letters'), 500);
  assert.equal(await count(database, 'iot_data'), 700);
});

test('a schema that is not public, and payloads of megabytes', async () => {
  await using database = await createDatabase();
  const schema = 'halle_7';
  const env = { TIDEGATE_DATABASE_SCHEMA: schema, TIDEGATE_INGEST_LIMITS_MESSAGE_BYTES: '8MiB' };
  await migrate({
    url: database.url,
    schema,
    readerRole: null,
    writerRole: null,
    logger: silent,
    engine: 'postgres',
  });
  const large = JSON.stringify({ level: 3, padding: 'x'.repeat(6_000_000) });
  await receive(configured(database, null, env), [
    { topic: 'plant/a', payload: large, at: NOON },
    { topic: 'plant/b', payload: large, at: NOON },
    { topic: 'plant/c', payload: '{"level": 4}', at: NOON },
  ]);
  const today = [{ ...JSON_ROUTE[0], exclude: ['padding'] }];
  const dead = new DeadLetters(configured(database, today, env), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.failed], [3, 0], JSON.stringify(report));
  assert.deepEqual(await storedIn(database, schema), [
    `a level ${NOON} 3`,
    `b level ${NOON} 3`,
    `c level ${NOON} 4`,
  ]);
});

test('a text that comes back late is the latest also for a daemon that knew another one', async () => {
  await using database = await createDatabase({ template: true });
  const text = [{ topic: 'plant/{device_id}', format: 'json', flatten: true }];
  const state = (value: string) => JSON.stringify({ state: value });
  const config = configured(database, text);
  await using sink = openSink(database);
  await sink.put(change('x', 'state', NOON, 'idle'));
  await receive(configured(database), [{ topic: 'plant/x', payload: state('busy'), at: NOON + 1_000_000 }]);
  assert.equal((await new DeadLetters(config, 'x').replay(ALL_LETTERS, ORDER, never())).replayed, 1);
  await sink.put(change('x', 'state', NOON + 2_000_000, 'idle'));
  assert.deepEqual(
    (await storedIn(database)).map((row) => row.split(' ').at(-1)),
    ['idle', 'busy', 'idle'],
  );
});
