import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import type { HttpPorts, LatestQuestion } from '../../../src/http/ports.ts';
import { httpOptions, token } from '../../support/http-ports.ts';

interface Answer {
  readonly data: object[];
  readonly count: number;
  readonly next_cursor: string | null;
}

const SERIES = {
  device_id: 'a/b',
  device_name: null,
  kind: 'gauge',
  unit: null,
  tags: {},
  timestamp: '2026-01-01T00:00:00.000001Z',
};
const POINTS = [
  { ...SERIES, metric_name: 'x', value: 21.5 },
  { ...SERIES, metric_name: 'y', value: Number.NaN, unit: '°C', tags: { site: 'berlin' } },
  { ...SERIES, metric_name: 'note', kind: 'text', value: 'on' },
  { ...SERIES, metric_name: 'old', kind: 'text', value: null },
];
const NEXT = { deviceId: 'ü/☃', metricName: 'note', text: true };

async function application(over: Parameters<typeof httpOptions>[0] = {}) {
  const asked: LatestQuestion[] = [];
  const logged: object[] = [];
  const latest: HttpPorts['latest'] = {
    page: async (question) => {
      asked.push(question);
      return {
        series: POINTS,
        times: new Float64Array(POINTS.length).fill(Date.UTC(2026, 0, 1) * 1000 + 1),
        values: POINTS.map(({ value }) => value),
        next: question.after === null ? NEXT : null,
      };
    },
  };
  const logQuery = ({ type, count }: { type: string; count: number }) => void logged.push({ type, count });
  const app = await buildApplication(httpOptions({ ...over, ports: { latest, logQuery } }));
  const ask = async (url: string, headers: Record<string, string> = {}) =>
    await app.inject({ url, headers: { host: 'localhost:8001', ...headers } });
  return { ask, asked, logged };
}

test('values are shown as JSON can, and the next page goes on after the last series', async () => {
  const { ask, asked, logged } = await application();
  const response = await ask('/api/latest');
  assert.equal(response.statusCode, 200, response.body);
  const { next_cursor: cursor, ...answer } = response.json<Answer>();
  assert.deepEqual(answer, {
    success: true,
    data: [POINTS[0], { ...POINTS[1], value: 'NaN' }, POINTS[2], POINTS[3]],
    count: 4,
  });
  const second = await ask(`/api/v1/latest?cursor=${cursor}`);
  assert.equal(second.json<Answer>().next_cursor, null);
  const all = { devices: null, metrics: null, match: '*', tags: null, visible: null, limit: 1_000 };
  assert.deepEqual(asked, [
    { ...all, after: null },
    { ...all, after: NEXT },
  ]);
  assert.deepEqual(logged, [
    { type: 'latest', count: 4 },
    { type: 'latest', count: 4 },
  ]);
});

test('names, of one or many, and what a token sees reach the database', async () => {
  const { ask, asked } = await application({ tokens: [token('some', 'secret', 'read', ['a', 'b'])] });
  const url = '/api/latest?device_id=a%2Fb&device_id=c&metric_name=x&match=plant*&tag=site:b&tag=x:&limit=7';
  assert.equal((await ask(url)).statusCode, 401);
  assert.equal((await ask(url, { authorization: 'Bearer secret' })).statusCode, 200);
  assert.deepEqual(asked, [
    {
      devices: ['a/b', 'c'],
      metrics: ['x'],
      match: 'plant*',
      tags: { site: 'b', x: '' },
      visible: ['a', 'b'],
      after: null,
      limit: 7,
    },
  ]);
});

test('bad questions are refused with what is wrong', async () => {
  const { ask, asked } = await application();
  const foreign = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');
  for (const [query, about] of [
    ['limit=0', /limit/],
    ['limit=10001', /limit/],
    ['limit=Infinity', /limit/],
    ['match=%00', /match/],
    ['device_id=', /device_id/],
    ['metric_name=%00', /metric_name/],
    ['tag=site', /tag/],
    ['tag=:x', /tag/],
    ['cursor=', /cursor/],
    ['cursor=%C3%A9', /cursor/],
    [`cursor=${foreign('a')}`, /cursor/],
    [`cursor=${foreign(['a', 'x', 1])}`, /cursor/],
    [`cursor=${foreign(['a', '\0', true])}`, /cursor/],
    [`cursor=${foreign(['a', 'x', true])}=`, /cursor/],
  ] as const) {
    const response = await ask(`/api/latest?${query}`);
    assert.equal(response.statusCode, 400, query);
    assert.match(response.json<{ error: string }>().error, about, query);
  }
  assert.deepEqual(asked, []);
});
