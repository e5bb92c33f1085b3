import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { tidegate } from '../../support/program.ts';

const PAYLOAD = '{"value":21.5,"timestamp":"2026-01-02T03:04:05.678901Z"}';
const EXPLAINED = {
  route: 'devices/{device_id}/{metric_name}',
  points: [
    {
      device_id: 'boiler-1',
      metric_name: 'temperature',
      value: 21.5,
      timestamp: '2026-01-02T03:04:05.678901Z',
    },
  ],
  dead_letter: null,
};

// Without a database or a broker anywhere.
suite('tidegate explain', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-explain-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('says which route takes a message and what its points are', async () => {
    const { code, stdout, stderr } = await tidegate(['explain', 'devices/boiler-1/temperature', PAYLOAD]);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /^route +devices\/\{device_id\}\/\{metric_name\}$/m);
    assert.match(stdout, /^point +2026-01-02T03:04:05\.678901Z +boiler-1 +temperature +21\.5 /m);
  });

  test('reads the payload from a file and from standard input', async () => {
    const file = join(folder, 'payload.json');
    await writeFile(file, PAYLOAD);
    const args = ['explain', '--json', 'devices/boiler-1/temperature'];
    for (const outcome of [
      await tidegate([...args, `@${file}`]),
      await tidegate([...args, '-'], {}, PAYLOAD),
    ]) {
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.deepEqual(JSON.parse(outcome.stdout), EXPLAINED);
    }
  });

  test('is also called test', async () => {
    const { stdout } = await tidegate(['test', '--json', 'devices/boiler-1/temperature', PAYLOAD]);
    assert.deepEqual(JSON.parse(stdout), EXPLAINED);
  });

  test('ends with 1 and the reason for a message that would be a dead letter', async () => {
    const json = await tidegate(['explain', '--json', 'devices/a/b', '-'], {}, Buffer.from('fffe', 'hex'));
    assert.equal(json.code, 1);
    const { dead_letter, points } = JSON.parse(json.stdout) as {
      dead_letter: { code: string; detail: string };
      points: unknown[];
    };
    assert.equal(dead_letter.code, 'payload_not_utf8');
    assert.notEqual(dead_letter.detail, '');
    assert.deepEqual(points, []);

    const text = await tidegate(['explain', 'elsewhere/a', '1']);
    assert.equal(text.code, 1);
    assert.match(text.stdout, /^dead letter no_route: /m);
  });

  test('goes by the routes of the configuration', async () => {
    const config = join(folder, 'tidegate.yaml');
    const route = 'routes: [{name: plant, topic: "plant/{device_id}", metric_name: power, value: $.w}]\n';
    await writeFile(config, `database: {url: "postgres://localhost/"}\n${route}`);
    const args = ['explain', '--json', '--config', config];
    const { code, stdout } = await tidegate([...args, 'plant/pump', '{"w":7,"timestamp":1767323045}']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), {
      route: 'plant',
      points: [
        { device_id: 'pump', metric_name: 'power', value: 7, timestamp: '2026-01-02T03:04:05.000000Z' },
      ],
      dead_letter: null,
    });
  });

  test('a payload file that is not there is bad usage', async () => {
    const { code, stderr } = await tidegate(['explain', 'devices/a/b', `@${join(folder, 'nothing')}`]);
    assert.equal(code, 2);
    assert.match(stderr, /^tidegate: usage: payload @.*nothing: .*ENOENT[^\n]*\n$/);
  });
});
