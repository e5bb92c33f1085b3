import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addExplain } from '../../../src/commands/explain.ts';
import { captureLine } from '../../../src/commands/capture.ts';
import { addTail } from '../../../src/commands/tail.ts';
import { publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { createDatabase } from '../../support/database.ts';
import { encodePayload } from '../../support/sparkplug.ts';
import { configured, environment, receive } from '../dead-letters/letters.ts';
import { at } from '../postgres/sinks.ts';
import { type CommandRun, runCommand } from './command-run.ts';

const NOON = at('2026-03-02T12:00:00Z');

suite('tidegate explain as a workbench', () => {
  let broker: TestBroker;
  let folder: string;
  before(async () => {
    broker = await startBroker();
    folder = await mkdtemp(join(tmpdir(), 'tidegate-workbench-'));
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const environs = (): Record<string, string> => ({ TIDEGATE_MQTT_URL: broker.url });
  /** A configuration of these routes. */
  async function config(name: string, routes: readonly object[]): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, JSON.stringify({ database: { url: 'postgres://localhost/db' }, routes }));
    return file;
  }
  async function subscribed(run: CommandRun, topic: string, payload = '0'): Promise<void> {
    const over = run.ended.then(() => 'over');
    do await publish(broker.url, [{ topic, payload }]);
    while (run.stdout() === '' && (await Promise.race([over, nextTurn()])) !== 'over');
  }

  test('--follow explains what comes, with what would mend it, and stops after the count', async () => {
    const args = ['explain', '--follow', 'plant/#', '--count', '1'];
    const run = runCommand(addExplain, args, { env: environs() });
    await subscribed(run, 'plant/pump', '{"w":7,"ts":1767323045}');
    assert.equal(await run.ended, 1, run.stderr());
    const text = run.stdout();
    assert.match(text, /^topic +plant\/pump$/m);
    assert.match(text, /^ +not devices\/\{device_id\}: level 1 is "plant", not "devices"$/m);
    assert.match(text, /^dead letter no_route: /m);
    assert.match(text, /^try +a route: \{ topic: "plant\/\{device_id\}", .*timestamp: \$\.ts \}$/m);
    assert.equal(text.match(/^topic/gm)?.length, 1);
  });

  test('births of Sparkplug that the database has are known, and where it cannot be reached that is said', async () => {
    await using database = await createDatabase({ template: true });
    const routes = [{ topic: 'spBv1.0/#', format: 'sparkplug_b' }];
    const metrics = [{ name: 'pressure', alias: 7, datatype: 10, doubleValue: 1 }];
    const payload = encodePayload({ seq: 0, timestamp: 1_767_225_600_000, metrics });
    await receive(configured(database, routes), [{ topic: 'spBv1.0/G/NBIRTH/E', payload, at: NOON }]);
    const file = join(folder, 'data.bin');
    await writeFile(
      file,
      encodePayload({ seq: 1, timestamp: 1_767_225_601_000, metrics: [{ alias: 7, doubleValue: 2.5 }] }),
    );
    const args = ['explain', 'spBv1.0/G/NDATA/E', `@${file}`];
    const known = runCommand(addExplain, args, { env: environment(database, routes) });
    assert.equal(await known.ended, 0, known.stderr());
    assert.match(known.stdout(), /^point .* G\/E  pressure  2\.5 /m);
    assert.equal(known.stderr(), '');
    const away = runCommand(addExplain, args, {
      env: environment({ url: 'postgres://nobody:none@127.0.0.1:1/none' }, routes),
    });
    assert.equal(await away.ended, 1);
    assert.match(away.stdout(), /sparkplug_unknown_alias/);
    assert.match(
      away.stderr(),
      /^No births of Sparkplug are known but those that are explained first: .*127\.0\.0\.1/,
    );
    const none = runCommand(addExplain, args, { env: { TIDEGATE_ROUTES: JSON.stringify(routes) } });
    assert.equal(await none.ended, 1);
    assert.match(none.stderr(), /no database\.url is configured/);
  });

  test('dead letters of Sparkplug are read by the births of their own time', async () => {
    await using database = await createDatabase({ template: true });
    const routes = [{ topic: 'spBv1.0/#', format: 'sparkplug_b' }];
    const birth = (name: string) =>
      encodePayload({ seq: 0, metrics: [{ name, alias: 7, datatype: 10, doubleValue: 1 }] });
    const data = encodePayload({ seq: 1, metrics: [{ alias: 7, doubleValue: 2.5 }, { alias: 8 }] });
    await receive(configured(database, routes), [
      { topic: 'spBv1.0/G/NBIRTH/E', payload: birth('pressure'), at: NOON },
      { topic: 'spBv1.0/G/NDATA/E', payload: data, at: NOON + 1_000_000 },
      { topic: 'spBv1.0/G/NBIRTH/E', payload: birth('level'), at: NOON + 2_000_000 },
    ]);
    const run = runCommand(addExplain, ['explain', '--dead-letters'], { env: environment(database, routes) });
    assert.equal(await run.ended, 1, run.stderr());
    assert.match(run.stdout(), /^point .* G\/E {2}pressure {2}2\.5 /m);
  });

  test('what `tail --capture` writes is explained later, at the time of its receipt', async () => {
    const file = join(folder, 'day.ndjson');
    await appendFile(
      file,
      `${captureLine({ topic: 'devices/a/t', payload: Buffer.from('1'), qos: 0, retain: false, receivedAt: NOON })}\n`,
    );
    const tail = runCommand(addTail, ['tail', 'devices/#', '--capture', file, '--count', '1'], {
      env: environs(),
    });
    await subscribed(tail, 'devices/b/t', Buffer.from('21.5').toString());
    assert.equal(await tail.ended, 0, tail.stderr());
    const [kept, captured] = (await readFile(file, 'utf8')).trimEnd().split('\n');
    assert.equal(JSON.parse(kept ?? '').topic, 'devices/a/t', 'a capture is continued');
    const { topic, payload, qos, retain } = JSON.parse(captured ?? '');
    assert.deepEqual(
      [topic, Buffer.from(payload, 'base64').toString(), qos, retain],
      ['devices/b/t', '21.5', 0, false],
    );

    const run = runCommand(addExplain, ['explain', '--messages', file, '--json', '--count', '1']);
    assert.equal(await run.ended, 0, run.stderr());
    assert.deepEqual(JSON.parse(run.stdout()), {
      topic: 'devices/a/t',
      route: 'devices/{device_id}/{metric_name}',
      points: [{ device_id: 'a', metric_name: 't', value: 1, timestamp: '2026-03-02T12:00:00.000000Z' }],
      dead_letter: null,
    });
  });

  test('--against says what a changed configuration would store differently of a capture', async () => {
    const lines = [
      ['devices/a', '{"t":1}'],
      ['devices/a', '{"x":{"y":2}}'],
      ['plant/b', '{"t":1}'],
    ].map(([topic = '', payload = '']) =>
      captureLine({ topic, payload: Buffer.from(payload), qos: 1, retain: false, receivedAt: NOON }),
    );
    const old = await config('old.yaml', [{ topic: 'devices/{device_id}' }, { topic: 'plant/{device_id}' }]);
    const now = await config('now.yaml', [{ topic: 'devices/{device_id}', flatten: true }]);
    const run = runCommand(addExplain, ['explain', '--config', now, '--against', old, '--messages', '-'], {
      input: lines.join('\n'),
    });
    assert.equal(await run.ended, 1, 'a message becomes a dead letter');
    assert.match(run.stdout(), /^devices\/a {2}was a dead letter, is none\n {2}\+ .* {2}a {2}x\.y {2}2 /m);
    assert.match(run.stdout(), /^plant\/b {2}becomes a dead letter: no_route: .*\n {2}- .* {2}b {2}t {2}1 /m);
    assert.match(
      run.stdout(),
      /^3 messages:\n +1 become the same\n +1 were dead .*\n +1 become dead letters$/m,
    );
    const same = runCommand(addExplain, [
      'explain',
      '-c',
      old,
      '--against',
      old,
      'devices/a',
      '{"t":1}',
      '--json',
    ]);
    assert.equal(await same.ended, 0);
    assert.deepEqual(JSON.parse(same.stdout()).same, 1);
  });

  test('--against over the latest dead letters of the database', async () => {
    await using database = await createDatabase({ template: true });
    await receive(configured(database), [
      { topic: 'early/a', payload: '{"t": 1}', at: NOON },
      { topic: 'plant/a', payload: '{"t": 1}', at: NOON + 1_000_000 },
      { topic: 'plant/a', payload: 'x', at: NOON + 2_000_000 },
    ]);
    const old = await config('before.yaml', [{ topic: 'devices/{device_id}' }]);
    const now = await config('after.yaml', [{ topic: 'plant/{device_id}', name: 'plant' }]);
    const args = ['explain', '--dead-letters', '--limit', '2', '--config', now, '--against', old];
    const run = runCommand(addExplain, args, { env: environment(database) });
    assert.equal(await run.ended, 0, run.stderr());
    assert.match(
      run.stdout(),
      /^plant\/a {2}was a dead letter, is none\n {2}\+ 2026-03-02T12:00:01\.000000Z {2}a {2}t {2}1 /m,
    );
    assert.match(run.stdout(), /^plant\/a {2}stays a dead letter, with a change: metric_name_missing: /m);
    assert.match(run.stdout(), /^2 messages:/m);
  });

  test('says so where there is no message', async () => {
    const file = join(folder, 'none.ndjson');
    await writeFile(file, '');
    const run = runCommand(addExplain, ['explain', '--messages', file]);
    assert.equal(await run.ended, 0);
    assert.match(run.stderr(), /^There was no message to explain\.$/m);
  });

  test('one source, and one that can be read', async () => {
    for (const args of [
      [],
      ['a/b'],
      ['a/b', '1', '--follow', '#'],
      ['--follow', 'a/{b}'],
      ['--messages', folder],
      ['', '1'],
      ['a/#', '1'],
      ['a/+/b', '1'],
    ]) {
      const wrong = runCommand(addExplain, ['explain', ...args]);
      assert.equal(await wrong.ended, 2, args.join(' '));
      assert.match(wrong.stderr(), /^tidegate: usage: .*\n$/);
    }
  });
});
