import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { addInit } from '../../../src/commands/init.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { LIMITS } from '../../unit/decode/decoding.ts';
import { runCommand } from './command-run.ts';

suite('tidegate init', () => {
  let broker: TestBroker;
  let folder: string;
  before(async () => {
    broker = await startBroker();
    folder = await mkdtemp(join(tmpdir(), 'tidegate-init-'));
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('writes a configuration by which what was heard becomes points', async () => {
    const output = join(folder, 'tidegate.yaml');
    await publish(
      broker.url,
      [
        { topic: 'zigbee2mqtt/kitchen/sensor', payload: '{"temperature": 27.34, "humidity": 44.72}' },
        { topic: 'tele/lamp/SENSOR', payload: '{"Time":"2022-01-11T21:57:38","ENERGY":{"Power":5}}' },
        { topic: 'N/c0619ab9c5f4/pvinverter/20/Ac/Power', payload: '{"value": 936}' },
        { topic: 'homie/car/engine/temperature', payload: '21.5' },
        { topic: 'plant/pump', payload: '{"w":7,"ts":1767323045}' },
        { topic: 'plant/\u202e', payload: '{"w":7,"ts":1767323045}' },
      ],
      { retain: true },
    );
    const run = runCommand(addInit, [
      'init',
      '--url',
      broker.url,
      '--for',
      '1h',
      '--count',
      '6',
      '-o',
      output,
    ]);
    assert.equal(await run.ended, 0, run.stderr());
    const text = run.stdout();
    assert.match(text, /^Zigbee2MQTT, preset zigbee2mqtt: 1 message of 1 topic$/m);
    assert.match(
      text,
      /^ {2}zigbee2mqtt\/kitchen\/sensor\n {4}-> .* {2}kitchen\/sensor {2}temperature {2}27\.34 °C /m,
    );
    assert.match(
      text,
      /^Not recognised:\n {2}plant\/.* \(2 messages of 2 topics\)\n {4}a route: \{ topic: "plant\/\{device_id\}"/m,
    );
    assert.ok(!text.includes('\u202e'), 'topics may not steer a terminal');
    assert.equal((await stat(output)).mode & 0o777, 0o600);

    const config = loadConfig({ file: output, env: {} });
    assert.deepEqual(config.mqtt.urls, [broker.url]);
    assert.equal(config.ingest.retained, 'skip');
    const decoder = createDecoder(config.routes, LIMITS);
    const explained = decoder.explain('zigbee2mqtt/kitchen/sensor', Buffer.from('{"humidity": 44.72}'), 0);
    assert.equal(explained.points.length, 1);
    const yaml = await readFile(output, 'utf8');
    assert.match(yaml, /^ {2}#victron: \{portals: \["c0619ab9c5f4"\]\}$/m);
    assert.match(yaml, /^ {2}- preset: tasmota\n {4}time_zone: /m);

    // With the # taken away what was not recognised is a route, Venus OS is asked, and Homie's units are heard.
    await writeFile(
      output,
      yaml.replaceAll(/^( *)#(?! )/gm, '$1').replaceAll(/^( *)# {3}(?=[a-z])/gm, '$1   '),
    );
    const whole = loadConfig({ file: output, env: {} });
    assert.deepEqual(whole.mqtt.victron.portals, ['c0619ab9c5f4']);
    assert.equal(whole.ingest.retained, 'if_changed');
    const plant = createDecoder(whole.routes, LIMITS).explain('plant/fan', Buffer.from('{"w":7}'), 0);
    assert.deepEqual(
      plant.points.map(({ device_id, metric_name }) => [device_id, metric_name]),
      [['fan', 'w']],
    );
  });

  test('never writes over a file, unless told to', async () => {
    const output = join(folder, 'mine.yaml');
    await writeFile(output, 'mine');
    const refused = runCommand(addInit, ['init', '--url', broker.url, '-o', output]);
    assert.equal(await refused.ended, 2);
    assert.match(refused.stderr(), /^tidegate: usage: .*mine\.yaml is there already; /m);
    assert.equal(await readFile(output, 'utf8'), 'mine');
    const nowhere = runCommand(addInit, ['init', '--url', broker.url, '-o', join(folder, 'none', 'a.yaml')]);
    assert.equal(await nowhere.ended, 2);
    assert.match(
      nowhere.stderr(),
      /^tidegate: usage: .*a\.yaml: there is no folder /,
      'said before it listens',
    );
    const forced = runCommand(addInit, ['init', '--force', '--count', '1', '-o', output], {
      env: { TIDEGATE_MQTT_URL: broker.url, TIDEGATE_DATABASE_URL: 'postgres://localhost/db' },
    });
    assert.equal(await forced.ended, 0, forced.stderr());
    const yaml = await readFile(output, 'utf8');
    assert.ok(!/^mqtt:\n {2}url|^database:/m.test(yaml), 'what the environment says is not said again');
  });

  test('where nothing is heard nothing is written', async () => {
    const output = join(folder, 'silent.yaml');
    const args = ['init', '--url', broker.url, '--for', '50ms', '--filter', 'nobody/#', '-o', output];
    const run = runCommand(addInit, args);
    assert.equal(await run.ended, 1);
    assert.match(run.stdout(), /^Nothing was heard/);
    await assert.rejects(stat(output), { code: 'ENOENT' });
    const wrong = runCommand(addInit, ['init', '--for', 'soon']);
    assert.equal(await wrong.ended, 2);
  });

  test('a broker that cannot be reached is told from one where nothing is published', async () => {
    const output = join(folder, 'unreached.yaml');
    const url = 'mqtt://jane:secret@127.0.0.1:1';
    const run = runCommand(addInit, ['init', '--url', url, '-o', output]);
    await eventually('it tries', () => Promise.resolve(run.stderr().includes('ECONNREFUSED')));
    run.stop();
    assert.equal(await run.ended, 1);
    assert.equal(run.stdout(), '');
    assert.match(
      run.stderr(),
      /^tidegate: broker_unreachable: .*\(mqtt:\/\/jane:\*\*\*@127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\)/m,
    );
    for (const bad of ['broker', 'http://localhost', 'mqtt://', 'mqtt://localhost:99999']) {
      const refused = runCommand(addInit, ['init', '--url', bad, '-o', output]);
      assert.equal(await refused.ended, 2, bad);
      assert.match(refused.stderr(), /config_invalid: mqtt\.url /);
    }
    await assert.rejects(stat(output), { code: 'ENOENT' });
  });
});
