import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSuchDevice } from '../../../src/postgres/unknown-device.ts';
import { buildApplication } from '../../../src/http/application.ts';
import type { AnomalyQuestion, HttpPorts } from '../../../src/http/ports.ts';
import { httpOptions, token } from '../../support/http-ports.ts';

interface Answer {
  readonly success: boolean;
  readonly anomalies: object[];
  readonly count: number;
  readonly truncated: boolean;
  readonly baseline: object;
}

const HOUR = 3_600e6;
const BASELINE = { points: 3, mean: 20, stddev: 2 };
const POINT = { timestamp: '2026-01-01T00:00:00.000001Z', mean: 20, stddev: 2 };

async function application({
  found = [],
  ...over
}: Parameters<typeof httpOptions>[0] & { found?: { value: number; z_score: number }[] } = {}) {
  const asked: AnomalyQuestion[] = [];
  const logged: object[] = [];
  const anomalies: HttpPorts['anomalies'] = {
    find: async (question) => {
      asked.push(question);
      if (question.deviceId === 'nobody') throw noSuchDevice('nobody');
      return { baseline: BASELINE, anomalies: found.map((point) => ({ ...POINT, ...point })) };
    },
  };
  const logQuery = (entry: object) => void logged.push(entry);
  const app = await buildApplication(httpOptions({ ...over, ports: { anomalies, logQuery } }));
  const ask = async (url: string, headers: Record<string, string> = {}) =>
    await app.inject({ url, headers: { host: 'localhost:8001', ...headers } });
  return { ask, asked, logged };
}

test('the plainest question asks for a day, an hour of it and three deviations', async () => {
  for (const url of [
    '/api/devices/a%2Fb/anomaly?metric_name=temperature',
    '/api/v1/devices/a%2Fb/anomaly?metric_name=temperature',
    '/api/anomaly?device_id=a%2Fb&metric_name=temperature',
  ]) {
    const { ask, asked, logged } = await application({
      found: [
        { value: 27, z_score: 3.5 },
        { value: Number.NEGATIVE_INFINITY, z_score: Number.POSITIVE_INFINITY },
        { value: Number.NaN, z_score: Number.NaN },
      ],
    });
    const response = await ask(url);
    assert.equal(response.statusCode, 200, response.body);
    assert.deepEqual(response.json<Answer>(), {
      success: true,
      anomalies: [
        { ...POINT, value: 27, z_score: 3.5, is_anomaly: true },
        { ...POINT, value: '-Infinity', z_score: 'Infinity', is_anomaly: true },
        { ...POINT, value: 'NaN', z_score: 'NaN', is_anomaly: true },
      ],
      count: 3,
      truncated: false,
      baseline: BASELINE,
    });
    assert.deepEqual(asked, [
      {
        deviceId: 'a/b',
        metricName: 'temperature',
        baseline: 24 * HOUR,
        window: HOUR,
        threshold: 3,
        method: 'zscore',
        limit: 10_001,
        visible: null,
      },
    ]);
    assert.deepEqual(
      logged.map((entry) => ({ ...entry, durationMs: 0 })),
      [{ type: 'anomaly_zscore', durationMs: 0, count: 3 }],
    );
  }
});

test('every parameter reaches the database', async () => {
  const url = '/api/anomaly?device_id=d&metric_name=x&hours=0.5&window=90s&threshold=2.5&method=mad&limit=1';
  const { ask, asked } = await application({
    found: [
      { value: 1, z_score: 9 },
      { value: 2, z_score: 9 },
    ],
  });
  const response = await ask(url);
  assert.deepEqual(asked, [
    {
      deviceId: 'd',
      metricName: 'x',
      baseline: HOUR / 2,
      window: 90e6,
      threshold: 2.5,
      method: 'mad',
      limit: 2,
      visible: null,
    },
  ]);
  const { anomalies, count, truncated } = response.json<Answer>();
  assert.deepEqual([anomalies.length, count, truncated], [1, 1, true]);
  await ask('/api/anomaly?device_id=d&metric_name=x&hours=0.5');
  assert.equal(asked[1]?.window, HOUR / 2);
});

test('a token that sees some devices asks for those', async () => {
  const tokens = [token('some', 'secret', 'read', ['plant/'])];
  const url = '/api/devices/d/anomaly?metric_name=x';
  const { ask, asked } = await application({ tokens });
  await ask(url, { authorization: 'Bearer secret' });
  assert.deepEqual(asked[0]?.visible, ['plant/']);
  assert.equal((await ask(url)).statusCode, 401);
});

test('bad questions are refused with the name of the parameter', async () => {
  const { ask, asked } = await application();
  for (const [query, about] of [
    ['', /metric_name/],
    ['metric_name=', /metric_name/],
    ['metric_name=%00', /metric_name/],
    ['metric_name=x&hours=0', /hours/],
    ['metric_name=x&hours=-1', /hours/],
    ['metric_name=x&hours=ten', /hours/],
    ['metric_name=x&hours=1e9', /hours/],
    ['metric_name=x&hours=Infinity', /hours/],
    ['metric_name=x&hours=', /hours/],
    ['metric_name=x&threshold=0', /threshold/],
    ['metric_name=x&threshold=NaN', /threshold/],
    ['metric_name=x&method=guess', /method/],
    ['metric_name=x&window=1', /window/],
    ['metric_name=x&window=0s', /window/],
    ['metric_name=x&window=2d', /window/],
    ['metric_name=x&limit=0', /limit/],
    ['metric_name=x&limit=1&limit=2', /limit/],
  ] as const) {
    const response = await ask(`/api/devices/d/anomaly?${query}`);
    assert.equal(response.statusCode, 400, query);
    assert.match(response.json<{ error: string }>().error, about, query);
    assert.deepEqual(asked, [], query);
  }
  assert.match((await ask('/api/anomaly?metric_name=x')).json<{ error: string }>().error, /device_id/);
});

test('a device that nobody knows is not found', async () => {
  const { ask } = await application();
  const response = await ask('/api/devices/nobody/anomaly?metric_name=x');
  assert.equal(response.statusCode, 404);
  assert.match(response.json<{ error: string }>().error, /"nobody"/);
});
