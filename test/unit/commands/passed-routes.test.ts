import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passedLines } from '../../../src/commands/passed-routes.ts';
import { presetRoutes } from '../../../src/config/preset-routes.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { presetNamed } from '../../../src/decode/presets/table.ts';
import { LIMITS, makeRoute } from '../decode/decoding.ts';

const ROUTES = ['tasmota', 'shelly', 'owntracks'].flatMap((name) => {
  const preset = presetNamed(name);
  return preset === undefined ? [] : presetRoutes(preset);
});
const DECODER = createDecoder(
  [
    makeRoute({ topic: 'plant/{device_id}/power' }),
    ...ROUTES,
    makeRoute({ topic: 'plant/{device_id}/level' }),
  ],
  LIMITS,
);
const passed = (topic: string, payload = '1') => DECODER.explain(topic, Buffer.from(payload), 0).passed;

test('Routes of one preset are one line with the nearest of them; routes called by their topics are one each', () => {
  const lines = passedLines(passed('tele/hall/STATUS'), false);
  assert.match(lines[0] ?? '', /^plant\/\{device_id\}\/power: level 1 is "tele", not "plant"$/);
  assert.match(
    lines[1] ?? '',
    /^tasmota \(\d+ routes\), the nearest one tasmota\/sensor: level 3 is "STATUS", not "SENSOR"$/,
  );
  assert.match(lines[2] ?? '', /^shelly \(\d+ routes\), the nearest one shelly\/status: level 2 /);
  assert.match(lines.at(-1) ?? '', /^plant\/\{device_id\}\/level: /);
});

test('One whose topic fits is nearest, whatever keeps the message from it', () => {
  const [, , shelly] = passedLines(passed('shelly1/events/rpc', '{"src":"shelly1","method":"Odd"}'), false);
  assert.match(
    shelly ?? '',
    /^shelly \(\d+ routes\), the nearest one shelly\/(status|event): \$\.method is /,
  );
});

test('Verbosely it is a line for each', () => {
  const all = passed('tele/hall/STATUS');
  assert.deepEqual(
    passedLines(all, true),
    all.map(({ route, reason }) => `${route}: ${reason}`),
  );
  assert.equal(all.length, ROUTES.length + 2);
});
