import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { addDeadLetters } from '../../../src/commands/dead-letters.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { spawnTidegate, tidegate } from '../../support/program.ts';
import { runCommand } from '../commands/command-run.ts';
import { at, count } from '../postgres/sinks.ts';
import { configured, environment, receive } from './letters.ts';

const NOON = at('2026-03-02T12:00:00Z');
const ROUTES = [{ name: 'plant', topic: 'plant/{device_id}', format: 'json', flatten: true }];

suite('tidegate dead-letters', () => {
  let database: TestDatabase;
  let ids: Record<string, number> = {};
  before(async () => {
    database = await createDatabase({ template: true });
    await receive(configured(database), [
      { topic: 'plant/a', payload: '{"level": 1}', at: NOON },
      { topic: 'plant/温度', payload: '{\n\t"level": 2\n}', at: NOON + 1_000_000 },
      { topic: 'plant/bytes', payload: Uint8Array.of(0, 255, 65, 10, 27), at: NOON + 2_000_000 },
      { topic: 'devices/x/\u{202e}level', payload: '', at: NOON + 3_000_000 },
      { topic: 'devices/large/level', payload: `[${'1,'.repeat(1_500_000)}1]`, at: NOON + 4_000_000 },
    ]);
    const rows = await database.query<{ topic: string; id: string }>(
      'SELECT topic, dead_letter_id AS id FROM iot_dead_letters',
    );
    ids = Object.fromEntries(rows.map(({ topic, id }) => [topic, Number(id)]));
  });
  after(() => database.drop());

  const run = (args: readonly string[], more: { isTerminal?: boolean; input?: string } = {}) =>
    runCommand(addDeadLetters, ['dead-letters', ...args], { env: environment(database, ROUTES), ...more });

  test('list groups by reason, or lists each, as a table or as JSON', async () => {
    const grouped = run(['list', '--topic', 'plant/#']);
    assert.equal(await grouped.ended, 0, grouped.stderr());
    assert.match(
      grouped.stdout(),
      /^no_route \| +\| 3 +\| 3 +\| 32 B \| 2026-03-02T12:00:00Z \| 2026-03-02T12:00:02Z \|/m,
    );
    const json = run(['list', '--topic', 'plant/+', '--json']);
    assert.equal(await json.ended, 0);
    const [group] = JSON.parse(json.stdout()) as [{ letters: number; example: { dead_letter_id: number } }];
    assert.deepEqual([group.letters, group.example.dead_letter_id], [3, ids['plant/bytes']]);
    const flat = run(['list', '--letters', '--json', '--limit', '2', '--code', 'no_route']);
    assert.equal(await flat.ended, 0);
    assert.deepEqual(
      (JSON.parse(flat.stdout()) as { topic: string }[]).map(({ topic }) => topic),
      ['plant/bytes', 'plant/温度'],
    );
    const table = run(['list', '--letters']);
    assert.equal(await table.ended, 0);
    assert.ok(table.stdout().includes('devices/x/\\u202elevel'), 'a topic may not steer a terminal');
  });

  test('show prints a text as it is, bytes in hex, and writes them as they are', async () => {
    const text = run(['show', String(ids['plant/温度'])]);
    assert.equal(await text.ended, 0);
    assert.match(text.stdout(), /^topic {5}plant\/温度 \(QoS 1\)$/m);
    assert.match(text.stdout(), /^reason {4}no_route: .*\n {10}No route matches the topic\. /m);
    assert.match(text.stdout(), /^points {4}1 lost, 0 stored$/m);
    assert.ok(text.stdout().endsWith('payload   15 bytes\n{\n\\u0009"level": 2\n}\n'), text.stdout());
    const bytes = run(['show', String(ids['plant/bytes'])]);
    assert.equal(await bytes.ended, 0);
    assert.match(bytes.stdout(), /^00000000 {2}00 ff 41 0a 1b +\.\.A\.\.$/m);
    const large = run(['show', String(ids['devices/large/level'])]);
    assert.equal(await large.ended, 0);
    assert.match(large.stdout(), /^\.\.\. and 2995907 bytes more: --raw writes all$/m);
    const raw = await tidegate(
      ['dead-letters', 'show', String(ids['devices/large/level']), '--raw'],
      environment(database, ROUTES),
    );
    assert.deepEqual([raw.code, raw.stdout === `[${'1,'.repeat(1_500_000)}1]`], [0, true], raw.stderr);
    const unknown = run(['show', '999999']);
    assert.equal(await unknown.ended, 1);
    assert.match(unknown.stderr(), /^tidegate: dead_letter_unknown: /);
  });

  test('a dry run says what a replay would do, and a replay does it', async () => {
    const dry = run(['replay', '--topic', 'plant/#', '--dry-run']);
    assert.equal(await dry.ended, 1, 'one would fail again');
    assert.equal(
      dry.stdout(),
      `Would replay 2 of 3 dead letters:
              2 points, if not there already
              1 letter would fail again
              1 of them payload_not_utf8
point       2026-03-02T12:00:00.000000Z  a  level  1
point       2026-03-02T12:00:01.000000Z  温度  level  2
`,
    );
    assert.equal(await count(database, 'iot_data'), 0);
    const one = run(['replay', '--id', String(ids['plant/a']), '--json']);
    assert.equal(await one.ended, 0, one.stderr());
    const report = JSON.parse(one.stdout()) as { replayed: number; points: { stored: number } };
    assert.deepEqual([report.replayed, report.points.stored], [1, 1]);
    const all = run(['replay', '--code', 'no_route']);
    assert.equal(await all.ended, 1);
    assert.match(all.stdout(), /^Replayed 1 of 2 dead letters:\n +1 point stored\n +1 letter failed again\n/);
    assert.equal(await count(database, 'iot_data'), 2);
  });

  test('drop asks, unless it is told not to', async () => {
    const silent = run(['drop', '--topic', 'devices/#']);
    assert.equal(await silent.ended, 1);
    assert.match(silent.stderr(), /confirmation_needed.*--yes/);
    const no = run(['drop', '--topic', 'devices/#'], { isTerminal: true, input: 'no\n' });
    assert.equal(await no.ended, 1);
    assert.match(no.stderr(), /^Would drop 2 dead letters\.\nType yes to go on: /);
    const dry = run(['drop', '--dry-run']);
    assert.equal(await dry.ended, 0);
    assert.equal(dry.stdout(), 'Would drop 3 dead letters.\n');
    assert.equal(await count(database, 'iot_dead_letters'), 3);
    const yes = run(['drop', '--topic', 'devices/#'], { isTerminal: true, input: 'yes\n' });
    assert.equal(await yes.ended, 0, yes.stderr());
    assert.equal(yes.stdout(), 'Dropped 2 dead letters.\n');
    const json = run(['drop', '--yes', '--json']);
    assert.equal(await json.ended, 0);
    assert.deepEqual(JSON.parse(json.stdout()), { dry_run: false, dropped: 1 });
    assert.equal(await count(database, 'iot_dead_letters'), 0);
    const audit =
      await database.query(`SELECT subject, counts FROM iot_audit WHERE action = 'drop dead letters'
      AND (counts->>'dropped')::int > 1`);
    assert.deepEqual(audit, [
      {
        subject: { ids: null, code: null, route: null, topic: 'devices/#', since: null, until: null },
        counts: { dropped: 2 },
      },
    ]);
  });

  test('what cannot be meant is bad usage', async () => {
    for (const args of [
      ['list', '--code', 'nonsense'],
      ['list', '--topic', 'a/#/b'],
      ['show', '0'],
      ['replay', '--since', 'yesterday'],
      ['replay', '--since', '2026-01-02', '--until', '2026-01-01'],
      ['drop', '--limit', '0', '--yes'],
    ]) {
      const bad = run(args);
      assert.equal(await bad.ended, 2, args.join(' '));
    }
  });
});

test('a replay that is killed in the middle: each message is stored or a dead letter still, and the next one ends it', async () => {
  await using database = await createDatabase({ template: true });
  const messages = Array.from({ length: 1_200 }, (_, index) => ({
    topic: 'plant/a',
    payload: `{"level": ${index}}`,
    at: NOON + index * 100,
  }));
  await receive(configured(database), messages);
  const holder = await database.connect();
  await holder.query(`BEGIN; SELECT FROM tidegate.dead_letters WHERE dead_letter_id = (
    SELECT dead_letter_id FROM tidegate.dead_letters ORDER BY 1 OFFSET 700 LIMIT 1) FOR UPDATE`);
  const env = environment(database, ROUTES);
  const child = spawnTidegate(['dead-letters', 'replay'], env);
  await eventually(
    'the second batch waits',
    async () =>
      (await count(
        database,
        `pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate tidegate replay'
           AND wait_event_type = 'Lock'`,
      )) === 1,
  );
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  assert.deepEqual(
    [await count(database, 'iot_data'), await count(database, 'iot_dead_letters')],
    [500, 700],
  );
  assert.deepEqual(await database.query('SELECT counts FROM iot_audit'), [
    { counts: { replayed: 500, failed: 0 } },
  ]);
  await holder.query('ROLLBACK');
  const again = await tidegate(['dead-letters', 'replay', '--json'], env);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await count(database, 'iot_dead_letters'), 0);
  const values = await database.query<{ value: number }>('SELECT value FROM iot_data ORDER BY value');
  assert.deepEqual(
    values.map(({ value }) => value),
    messages.map((_, index) => index),
  );
});
