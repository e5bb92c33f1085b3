import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addTail } from '../../../src/commands/tail.ts';
import { freePort, publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { type CommandRun, runCommand } from './command-run.ts';

suite('tidegate tail', () => {
  let broker: TestBroker;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker[Symbol.asyncDispose]());

  /** Resolves once a line came: only then it is surely subscribed. */
  async function subscribed(run: CommandRun, topic: string): Promise<void> {
    const over = run.ended.then(() => 'over');
    do await publish(broker.url, [{ topic, payload: '0' }]);
    while (run.stdout() === '' && (await Promise.race([over, nextTurn()])) !== 'over');
  }

  test('prints points and dead letters of the routes', async () => {
    const run = runCommand(addTail, ['tail'], { env: { TIDEGATE_MQTT_URL: broker.url } });
    await subscribed(run, 'devices/ready/x');
    await publish(broker.url, [
      { topic: 'devices/a/t', payload: '21.5' },
      { topic: 'devices/a', payload: '{"mode":"eco","timestamp":"2026-01-31T12:00:00.123456Z"}' },
      { topic: 'devices/b/t', payload: '{' },
    ]);
    await run.printed(/devices\/b\/t.*\n/);
    run.stop();
    assert.equal(await run.ended, 0);
    const lines = run.stdout().trimEnd().split('\n');
    const [first, second, third] = lines.filter((line) => !line.includes('ready'));
    assert.match(first ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} {2}a {2}t {2}21\.5$/);
    assert.match(second ?? '', /^2026-01-31 \d\d:\d\d:00\.123456 {2}a {2}mode {2}"eco"$/);
    assert.match(third ?? '', / {2}devices\/b\/t {2}payload_not_json: /);
  });

  test('takes another filter, as JSON, from the broker of --url, and stops after the count', async () => {
    const args = ['tail', 'other/#', '--json', '--count', '2', '--url', broker.url];
    const run = runCommand(addTail, args, { env: { TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' } });
    await subscribed(run, 'other/thing');
    await publish(broker.url, [
      { topic: 'devices/a/t', payload: '1' },
      ...Array.from({ length: 5 }, () => ({ topic: 'other/thing', payload: '1' })),
    ]);
    assert.equal(await run.ended, 0);
    const lines = run.stdout().trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) {
      const { topic, route, dead_letter } = JSON.parse(line) as Record<string, unknown>;
      assert.deepEqual([topic, route], ['other/thing', null]);
      assert.equal((dead_letter as { code: string }).code, 'no_route');
    }
  });

  test('two at once do not disturb each other', async () => {
    const env = { TIDEGATE_MQTT_URL: broker.url };
    const runs = [1, 2].map(() => runCommand(addTail, ['tail'], { env }));
    for (const run of runs) await subscribed(run, 'devices/a/t');
    await publish(broker.url, [{ topic: 'devices/a/t', payload: '1' }]);
    await Promise.all(runs.map((run) => run.printed(/ {2}a {2}t {2}1\n/)));
    for (const run of runs) run.stop();
    assert.deepEqual(await Promise.all(runs.map((run) => run.ended)), [0, 0]);
    assert.deepEqual(
      runs.map((run) => run.stderr()),
      ['', ''],
    );
  });

  test('ends with its reader', async () => {
    const run = runCommand(addTail, ['tail'], { env: { TIDEGATE_MQTT_URL: broker.url } });
    await subscribed(run, 'devices/a/t');
    run.closeOutput();
    assert.equal(await run.ended, 0);
  });

  test('one clear line where the broker is not there or the filter is none', async () => {
    const env = { TIDEGATE_STARTUP_TIMEOUT: '200ms' };
    const absent = runCommand(addTail, ['tail', '--url', `mqtt://127.0.0.1:${await freePort()}`], { env });
    assert.equal(await absent.ended, 1);
    assert.match(absent.stderr(), /^tidegate: broker_unreachable: .*ECONNREFUSED.*$/m);
    for (const filter of ['', 'a/#/b', 'a+', 'a/{b}', '$share/g/a']) {
      const wrong = runCommand(addTail, ['tail', filter]);
      assert.equal(await wrong.ended, 2, filter);
      assert.match(wrong.stderr(), /^tidegate: usage: the filter .*\n$/);
    }
  });
});
