import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import type { MetricQuestion, MetricRows } from '../../../src/http/ports.ts';
import { httpOptions, token } from '../../support/http-ports.ts';
import { metricsOf } from '../../support/metric-ports.ts';

type Over = Parameters<typeof httpOptions>[0];
const RANGE = 'start_time=2026-01-01&end_time=2026-01-02';
/** Microseconds since 1970. */
const DAY = Date.UTC(2026, 0, 1) * 1000;
const MINUTE = 60e6;
const HOST = { host: 'localhost:8001' };

async function ask(url: string, over: Over = {}, headers: Record<string, string> = {}) {
  const app = await buildApplication(httpOptions(over));
  return await app.inject({ url, headers: { ...HOST, ...headers } });
}

const ROWS: readonly MetricRows[] = [
  {
    device: 'a "b"',
    metric: 't,1',
    text: false,
    times: Float64Array.of(DAY, DAY + MINUTE + 1),
    values: Float64Array.of(21.5, Number.NaN),
    empty: null,
  },
  {
    device: 'a "b"',
    metric: 't,1',
    text: false,
    times: Float64Array.of(DAY + 2 * MINUTE, DAY + 3 * MINUTE),
    values: Float64Array.of(Number.NEGATIVE_INFINITY, Number.NaN),
    empty: Uint8Array.of(0, 1),
  },
  {
    device: 'd2',
    metric: 't,1',
    text: true,
    times: Float64Array.of(DAY, DAY + MINUTE, DAY + 2 * MINUTE),
    values: ['a "quoted", text', '', 'NaN'],
    empty: null,
  },
];

test("the sketch's address gives the sketch's shape", async () => {
  const asked: MetricQuestion[] = [];
  const logged: object[] = [];
  const ports = {
    metrics: metricsOf(ROWS.slice(0, 1), asked),
    logQuery: (entry: object) => void logged.push(entry),
  };
  for (const prefix of ['/api', '/api/v1']) {
    const response = await ask(`${prefix}/devices/a%2F%C3%BC/metrics?metric_name=t&${RANGE}`, { ports });
    assert.equal(response.statusCode, 200, response.body);
    assert.match(String(response.headers['content-type']), /^application\/json/);
    const { duration_ms: duration, ...body } = response.json<{ duration_ms: number }>();
    assert.ok(duration >= 0);
    assert.deepEqual(body, {
      success: true,
      data: [
        { timestamp: '2026-01-01T00:00:00.000000Z', value: 21.5 },
        { timestamp: '2026-01-01T00:01:00.000001Z', value: 'NaN' },
      ],
      count: 2,
      granularity: '1min',
      next_cursor: null,
    });
    assert.deepEqual(asked.at(-1), {
      devices: ['a/ü'],
      metrics: ['t'],
      from: Date.UTC(2026, 0, 1) * 1000,
      to: Date.UTC(2026, 0, 2) * 1000,
      wanted: {
        bucket: { name: '1min', interval: '1 minute', width: 60e6 },
        agg: 'avg',
        fill: 'none',
        tz: 'UTC',
      },
    });
    const [entry] = logged.splice(0) as [{ type: string; count: number; durationMs: number }];
    assert.deepEqual([entry.type, entry.count, entry.durationMs], ['metrics_1min', 2, duration]);
  }
});

test('rows of several series say whose they are, in every format', async () => {
  const ports = { metrics: metricsOf(ROWS) };
  const url = `/api/metrics?device_id=a&device_id=d2&metric_name=x&metric_name=y&granularity=raw&${RANGE}`;
  const json = (await ask(url, { ports })).json<{ data: object[]; count: number }>();
  const series = { device_id: 'a "b"', metric_name: 't,1' };
  const other = { device_id: 'd2', metric_name: 't,1' };
  const data = [
    { ...series, timestamp: '2026-01-01T00:00:00.000000Z', value: 21.5 },
    { ...series, timestamp: '2026-01-01T00:01:00.000001Z', value: 'NaN' },
    { ...series, timestamp: '2026-01-01T00:02:00.000000Z', value: '-Infinity' },
    { ...series, timestamp: '2026-01-01T00:03:00.000000Z', value: null },
    { ...other, timestamp: '2026-01-01T00:00:00.000000Z', value: 'a "quoted", text' },
    { ...other, timestamp: '2026-01-01T00:01:00.000000Z', value: '' },
    { ...other, timestamp: '2026-01-01T00:02:00.000000Z', value: 'NaN' },
  ];
  assert.deepEqual([json.data, json.count], [data, 7]);

  for (const [suffix, headers] of [
    ['&format=ndjson', {}],
    ['', { accept: 'application/x-ndjson' }],
  ] as const) {
    const response = await ask(url + suffix, { ports }, headers);
    assert.match(String(response.headers['content-type']), /^application\/x-ndjson/);
    const lines = response.body.split('\n');
    assert.equal(lines.pop(), '');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as object),
      data,
    );
  }
  const csv = [
    'device_id,metric_name,timestamp,value',
    '"a ""b""","t,1",2026-01-01T00:00:00.000000Z,21.5',
    '"a ""b""","t,1",2026-01-01T00:01:00.000001Z,NaN',
    '"a ""b""","t,1",2026-01-01T00:02:00.000000Z,-Infinity',
    '"a ""b""","t,1",2026-01-01T00:03:00.000000Z,',
    'd2,"t,1",2026-01-01T00:00:00.000000Z,"a ""quoted"", text"',
    'd2,"t,1",2026-01-01T00:01:00.000000Z,""',
    'd2,"t,1",2026-01-01T00:02:00.000000Z,NaN',
    '',
  ].join('\r\n');
  for (const [suffix, headers] of [
    ['&format=csv', {}],
    ['', { accept: 'text/csv;q=0.9' }],
  ] as const) {
    const response = await ask(url + suffix, { ports }, headers);
    assert.match(String(response.headers['content-type']), /^text\/csv/);
    assert.equal(response.body, csv);
  }
});

test('an answer without rows is whole in every format', async () => {
  const url = `/api/metrics?device_id=a&metric_name=x&${RANGE}`;
  assert.deepEqual((await ask(url)).json<{ data: object[] }>().data, []);
  assert.equal((await ask(`${url}&format=ndjson`)).body, '');
  assert.equal((await ask(`${url}&format=csv`)).body, 'timestamp,value\r\n');
});

test('a long answer is sent in pieces, and is whole', async () => {
  const rows = Array.from({ length: 100 }, (_, page) => ({
    device: 'd',
    metric: 'x',
    text: false,
    times: new Float64Array(500).fill(DAY),
    values: Float64Array.from({ length: 500 }, (_, row) => page * 500 + row),
    empty: null,
  }));
  const url = `/api/devices/d/metrics?metric_name=x&granularity=raw&${RANGE}`;
  const response = await ask(url, { ports: { metrics: metricsOf(rows) } });
  assert.equal(response.headers['content-length'], undefined);
  const { data, count } = response.json<{ data: { value: number }[]; count: number }>();
  assert.equal(count, 50_000);
  assert.deepEqual(
    data.map(({ value }) => value),
    Array.from({ length: 50_000 }, (_, value) => value),
  );
});

test('what is asked for reaches the database as it is', async () => {
  const asked: MetricQuestion[] = [];
  const over = { ports: { metrics: metricsOf([], asked) } };
  const wanted = async (query: string) => {
    const response = await ask(`/api/devices/d/metrics?metric_name=x&${RANGE}&${query}`, over);
    assert.equal(response.statusCode, 200, response.body);
    return asked.at(-1)?.wanted;
  };
  assert.deepEqual(await wanted('granularity=raw'), { limit: 10_000, after: null });
  assert.deepEqual(await wanted('granularity=raw&format=csv'), { limit: null, after: null });
  assert.deepEqual(await wanted('granularity=raw&format=csv&limit=7'), { limit: 7, after: null });
  assert.deepEqual(await wanted('granularity=raw&limit=1000000'), { limit: 1_000_000, after: null });
  const usual = { agg: 'avg', fill: 'none', tz: 'UTC' };
  assert.deepEqual(await wanted('granularity=auto'), { bucket: { maxPoints: 2_000 }, ...usual });
  assert.deepEqual(await wanted('granularity=auto&max_points=5'), { bucket: { maxPoints: 5 }, ...usual });
  assert.deepEqual(await wanted('bucket=1mo&agg=last&fill=previous&tz=Europe/Berlin'), {
    bucket: { name: '1mo', interval: '1 months', width: 28 * 86_400e6 },
    agg: 'last',
    fill: 'previous',
    tz: 'Europe/Berlin',
  });
  await ask(`/api/metrics?device_id=a&device_id=a&device_id=b&metric_name=x&metric_name=x&${RANGE}`, over);
  assert.deepEqual([asked.at(-1)?.devices, asked.at(-1)?.metrics], [['a', 'b'], ['x']]);
});

test('a cursor leads to the row that it was made of', async () => {
  const asked: MetricQuestion[] = [];
  const next = { device: 'd/ü', metric: 'x"', text: true, time: -1 };
  const over = { ports: { metrics: metricsOf([], asked, next) } };
  const url = `/api/devices/d%2F%C3%BC/metrics?metric_name=x%22&granularity=raw&${RANGE}`;
  const cursor = (await ask(url, over)).json<{ next_cursor: string }>().next_cursor;
  await ask(`${url}&cursor=${cursor}`, over);
  assert.deepEqual(asked.at(-1)?.wanted, { limit: 10_000, after: next });
});

test('bad questions are refused with the name of what is wrong', async () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const good = { metric_name: 'x', start_time: '2026-01-01', end_time: '2026-01-02' };
  const app = await buildApplication(httpOptions());
  const refused = async (url: string, parameter: string) => {
    const response = await app.inject({ url, headers: HOST });
    assert.equal(response.statusCode, 400, `${url}: ${response.body}`);
    assert.match(response.json<{ error: string }>().error, new RegExp(`\\b${parameter}\\b`), url);
  };
  for (const [parameter, query] of [
    ['metric_name', { ...good, metric_name: undefined }],
    ['metric_name', { ...good, metric_name: '' }],
    ['metric_name', { ...good, metric_name: '\0' }],
    ['metric_name', { ...good, metric_name: Array.from({ length: 101 }, (_, n) => `m${n}`) }],
    ['start_time', { ...good, start_time: undefined }],
    ['start_time', { ...good, start_time: 'soon' }],
    ['start_time', { ...good, start_time: ['2026-01-01', '2026-01-01'] }],
    ['start_time', { ...good, start_time: '' }],
    ['start_time', { ...good, start_time: '1'.repeat(50) }],
    ['end_time', { ...good, end_time: undefined }],
    ['end_time', { ...good, end_time: '2026-02-30' }],
    ['end_time', { ...good, end_time: '2025-12-31' }],
    ['granularity', { ...good, granularity: '1week' }],
    ['granularity', { ...good, granularity: '1hour; DROP TABLE x' }],
    ['bucket', { ...good, bucket: '1 hour' }],
    ['bucket', { ...good, bucket: '0s' }],
    ['bucket', { ...good, bucket: '1h', granularity: 'raw' }],
    ['bucket', { ...good, bucket: '1h', granularity: 'auto' }],
    ['tz', { ...good, tz: 'Nowhere/Land' }],
    ['tz', { ...good, tz: '+02:00' }],
    ['tz', { ...good, tz: "UTC'" }],
    ['tz', { ...good, tz: 'UTC', granularity: 'raw' }],
    ['agg', { ...good, agg: 'median' }],
    ['agg', { ...good, agg: 'avg', granularity: 'raw' }],
    ['fill', { ...good, fill: 'linear' }],
    ['fill', { ...good, fill: 'none', granularity: 'raw' }],
    ['fill', { ...good, fill: 'null', bucket: '1s', end_time: '2026-02-01' }],
    ['max_points', { ...good, granularity: 'auto', max_points: '0' }],
    ['max_points', { ...good, granularity: 'auto', max_points: '100001' }],
    ['max_points', { ...good, max_points: '10' }],
    ['max_points', { ...good, granularity: 'raw', max_points: '10' }],
    ['limit', { ...good, granularity: 'raw', limit: '0' }],
    ['limit', { ...good, granularity: 'raw', limit: '1000001' }],
    ['limit', { ...good, granularity: 'raw', limit: 'ten' }],
    ['limit', { ...good, limit: '10' }],
    ['cursor', { ...good, cursor: encode(['d', 'x', false, 1]) }],
    ['cursor', { ...good, granularity: 'raw', cursor: 'x' }],
    ['cursor', { ...good, granularity: 'raw', cursor: encode(['d', 'x', false]) }],
    ['cursor', { ...good, granularity: 'raw', cursor: encode(['d', 'x', false, 1e300]) }],
    ['format', { ...good, format: 'xml' }],
  ] as const) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value ?? []].flat()) search.append(name, one);
    }
    for (const path of ['/api/devices/d/metrics?', '/api/metrics?device_id=d&']) {
      await refused(path + search.toString(), parameter);
    }
  }
  for (const query of ['', 'device_id=&', 'device_id=%00&']) {
    await refused(`/api/metrics?${query}metric_name=x&${RANGE}`, 'device_id');
  }
});

test('a device that the token does not see is not there', async () => {
  const asked: MetricQuestion[] = [];
  const over = {
    tokens: [token('berlin', 'secret', 'read', ['berlin/'])],
    ports: { metrics: metricsOf([], asked) },
  };
  const headers = { authorization: 'Bearer secret' };
  const status = async (path: string) =>
    (await ask(`${path}metric_name=x&${RANGE}`, over, headers)).statusCode;
  assert.equal(await status('/api/devices/berlin%2Fa/metrics?'), 200);
  assert.equal(await status('/api/metrics?device_id=berlin/a&device_id=berlin/b&'), 200);
  assert.equal(asked.length, 2);
  assert.equal(await status('/api/devices/hamburg%2Fa/metrics?'), 404);
  assert.equal(await status('/api/metrics?device_id=berlin/a&device_id=hamburg/a&'), 404);
  assert.equal(asked.length, 2);
  assert.equal((await ask(`/api/devices/a%00/metrics?metric_name=x&${RANGE}`)).statusCode, 404);
});
