import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { loadConfig } from '../../../src/config/load.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import {
  DEFAULT_METRICS,
  SHAPES,
  type SimulatorOptions,
  simulatedMessage,
} from '../../../src/demo/simulator.ts';

const OPTIONS: SimulatorOptions = { devices: 3, metrics: DEFAULT_METRICS, shape: 'message', seed: 1 };
const NOON = Date.UTC(2026, 0, 31, 12) * 1_000;

const { routes } = loadConfig({ env: { TIDEGATE_DATABASE_URL: 'postgres://localhost/' } });
const decoder = createDecoder(routes, {
  messageBytes: 1_000_000,
  pointsPerMessage: 1_000,
  namesPerMessage: 1_000,
  nesting: 16,
  nameLength: 200,
  textLength: 1_000,
});

function pointsOf(options: SimulatorOptions, index: number, timestamp: number) {
  const { topic, payload } = simulatedMessage(options, index, timestamp);
  const explanation = decoder.explain(topic, Buffer.from(payload), 0);
  assert.deepEqual(explanation.rejections, [], `${topic} ${payload}`);
  return explanation.points;
}

test('the default routes store every message of every shape', () => {
  const metrics = fc.uniqueArray(fc.constantFrom<string[]>(...DEFAULT_METRICS, 'pressure', 'flow rate'), {
    minLength: 1,
  });
  fc.assert(
    fc.property(
      fc.record({
        devices: fc.integer({ min: 1, max: 2_000 }),
        metrics,
        shape: fc.constantFrom(...SHAPES),
        seed: fc.nat(),
      }),
      fc.nat({ max: 100_000 }),
      fc.integer({ min: 0, max: NOON * 2 }),
      (options, index, timestamp) => {
        const points = pointsOf(options, index, timestamp);
        assert.ok(points.length > 0);
        for (const point of points) {
          assert.ok(options.metrics.includes(point.metric_name));
          if (options.shape === 'value') continue;
          assert.equal(Date.parse(point.timestamp), Math.floor(timestamp / 1_000));
          assert.equal(Number(/(\d{3})Z$/.exec(point.timestamp)?.[1]), timestamp % 1_000);
        }
      },
    ),
  );
});

test('the same seed and time give the same message, another seed another', () => {
  assert.deepEqual(simulatedMessage(OPTIONS, 7, NOON), simulatedMessage(OPTIONS, 7, NOON));
  const payloads = [1, 2, 3].map((seed) => simulatedMessage({ ...OPTIONS, seed }, 0, NOON).payload);
  assert.equal(new Set(payloads).size, 3);
});

test('the shapes are as the help says', () => {
  const shaped = (shape: SimulatorOptions['shape']) => simulatedMessage({ ...OPTIONS, shape }, 0, NOON + 7);
  assert.equal(shaped('value').topic, 'devices/sim-01/temperature');
  assert.match(shaped('value').payload, /^\d+(\.\d+)?$/);
  assert.equal(shaped('message').topic, 'devices/sim-01/temperature');
  assert.match(shaped('message').payload, /^\{"value":[\d.]+,"timestamp":"2026-01-31T12:00:00.000007Z"\}$/);
  assert.equal(shaped('object').topic, 'devices/sim-01');
  assert.deepEqual(Object.keys(JSON.parse(shaped('object').payload) as object), [
    'temperature',
    'humidity',
    'energy',
    'switch',
    'timestamp',
  ]);
});

test('devices take turns, and their names sort as their numbers do', () => {
  const topics = [0, 1, 2, 3].map((index) => simulatedMessage(OPTIONS, index, NOON).topic);
  assert.deepEqual(topics, [
    'devices/sim-01/temperature',
    'devices/sim-02/temperature',
    'devices/sim-03/temperature',
    'devices/sim-01/humidity',
  ]);
  const last = simulatedMessage({ ...OPTIONS, devices: 1_000 }, 999, NOON).topic;
  assert.equal(last, 'devices/sim-1000/temperature');
  assert.match(simulatedMessage({ ...OPTIONS, devices: 1_000 }, 0, NOON).topic, /sim-0001/);
});

test('a counter never goes back, and a switch says ON and OFF', () => {
  const series = (metric: string) =>
    Array.from({ length: 200 }, (_, index) => {
      const options = { ...OPTIONS, devices: 1, metrics: [metric], shape: 'value' } as const;
      return simulatedMessage(options, index, NOON + index * 60e6).payload;
    });
  const energy = series('energy').map(Number);
  assert.ok(energy.every((value, index) => index === 0 || value > (energy[index - 1] ?? 0)));
  assert.deepEqual(new Set(series('switch')), new Set(['ON', 'OFF']));
});

test('a text comes now and then, and is another one each time', () => {
  const options = { ...OPTIONS, devices: 1, shape: 'value' } as const;
  const texts = Array.from({ length: 500 }, (_, index) => simulatedMessage(options, index, NOON))
    .filter(({ topic }) => topic.endsWith('/status'))
    .map(({ payload }) => payload);
  assert.equal(texts.length, 10);
  assert.ok(texts.every((text, index) => text !== texts[index - 1]));
});
