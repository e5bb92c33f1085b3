import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, suite, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { buildApplication } from '../../../src/http/application.ts';
import type { MetricRows } from '../../../src/http/ports.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { Anomalies } from '../../../src/postgres/anomalies.ts';
import { MetricReader } from '../../../src/postgres/metric-reader.ts';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { httpOptions } from '../../support/http-ports.ts';
import { message } from '../../unit/pipeline/messages.ts';
import { openSink } from '../postgres/sinks.ts';

interface Answer {
  readonly success: boolean;
  readonly data: Record<string, unknown>[];
  readonly count: number;
  readonly granularity: string;
  readonly next_cursor: string | null;
}

const SECOND = 1_000_000;
const START = Date.UTC(2026, 0, 1) * 1000;
const RANGE = 'start_time=2026-01-01&end_time=2026-01-02';
/** Names that would be something else to SQL, a path, JSON or CSV. */
const AWKWARD = [
  `'; DROP TABLE tidegate.series; --`,
  '$1',
  'a/../b',
  '%2F',
  '{"a":1}',
  'ü/温度 %',
  ':"schema"',
  '\\',
  '..',
];

suite('metrics over HTTP', () => {
  let database: TestDatabase;
  let pool: QueryPool;
  let app: FastifyInstance;
  before(async () => {
    database = await createDatabase({ template: true });
    pool = poolOf(database);
    app = await buildApplication(httpOptions({ ports: { metrics: new MetricReader(pool) } }));
    await using sink = openSink(database);
    await sink.put(
      message((out) => {
        for (let index = 0; index < 600; index++)
          out.number('d', 'x', START + index * 10 * SECOND, index, 'gauge');
        for (let index = 0; index < 3; index++)
          out.number('d', 'y', START + index * SECOND, index / 3, 'gauge');
        for (const [index, value] of [Number.NaN, Infinity, -Infinity, -0, 5e-324, 1e308].entries())
          out.number('d', 'odd', START + index, value, 'gauge');
        out.number('d', 'mixed', START, 1.5, 'gauge');
        out.text('d', 'mixed', START + SECOND, 'broken', false);
        out.text('d', 'note', START, 'a,"b"\n☃', false);
        for (const name of AWKWARD) out.number(name, name, START, 7, 'gauge');
      }),
    );
  });
  after(async () => {
    await pool.close();
    await database.drop();
  });

  async function ask(url: string, status = 200): Promise<Answer> {
    const response = await app.inject({ url, headers: { host: 'localhost' } });
    assert.equal(response.statusCode, status, `${url}: ${response.body}`);
    return response.json<Answer>();
  }
  const values = ({ data }: Answer) => data.map(({ value }) => value);

  test('minutes by default, as the sketch says, and every other granularity', async () => {
    const url = `/api/devices/d/metrics?metric_name=x&${RANGE}`;
    const minutes = await ask(url);
    assert.deepEqual([minutes.success, minutes.count, minutes.granularity], [true, 100, '1min']);
    assert.deepEqual(minutes.data[1], { timestamp: '2026-01-01T00:01:00.000000Z', value: 8.5 });
    assert.deepEqual(values(await ask(`${url}&granularity=1hour`)), [179.5, 479.5]);
    assert.deepEqual(values(await ask(`${url}&granularity=1day`)), [299.5]);
    assert.equal((await ask(`${url}&granularity=15min`)).count, 7);
    assert.equal((await ask(`${url}&granularity=raw`)).count, 600);
    assert.deepEqual(
      values(await ask(`${url}&bucket=20s&end_time=1767225640`.replace('&end_time=2026-01-02', ''))),
      [0.5, 2.5],
    );
    for (const [agg, value] of Object.entries({
      avg: 179.5,
      min: 0,
      max: 359,
      sum: 64_620,
      count: 360,
      first: 0,
      last: 359,
    })) {
      assert.equal(values(await ask(`${url}&granularity=1hour&agg=${agg}`))[0], value, agg);
    }
  });

  test('buckets are those that begin in the range', async () => {
    const url =
      '/api/devices/d/metrics?metric_name=x&start_time=2026-01-01T00:00:30Z&end_time=2026-01-01T00:02:00Z';
    assert.deepEqual((await ask(url)).data, [{ timestamp: '2026-01-01T00:01:00.000000Z', value: 8.5 }]);
  });

  test('empty buckets are filled as is asked', async () => {
    const url =
      '/api/devices/d/metrics?metric_name=x&start_time=2026-01-01T01:38:00Z&end_time=2026-01-01T01:42:00Z';
    assert.deepEqual(values(await ask(url)), [590.5, 596.5]);
    assert.deepEqual(values(await ask(`${url}&fill=null`)), [590.5, 596.5, null, null]);
    assert.deepEqual(values(await ask(`${url}&fill=previous`)), [590.5, 596.5, 596.5, 596.5]);
    assert.deepEqual(values(await ask(`${url}&fill=previous&agg=max`)), [593, 599, 599, 599]);
    assert.deepEqual(values(await ask(`${url}&fill=null&agg=count`)), [6, 6, 0, 0]);
    const before = url.replace('2026-01-01T01:38', '2025-12-31T23:59').replace('01:42', '00:01');
    assert.deepEqual(values(await ask(`${before}&fill=previous`)), [null, 2.5]);
  });

  test('auto gives no more than is asked for, and says what it is', async () => {
    const url = `/api/devices/d/metrics?metric_name=x&${RANGE}&granularity=auto`;
    for (const [most, granularity, count] of [
      [2_000, 'raw', 600],
      [600, 'raw', 600],
      // All points are of one day.
      [599, '15min', 7],
      [95, '1hour', 2],
      [24, '1hour', 2],
      [23, '1day', 1],
      [1, '1day', 1],
    ] as const) {
      const answer = await ask(`${url}&max_points=${most}`);
      assert.deepEqual([answer.granularity, answer.count], [granularity, count], String(most));
    }
    const wide = await ask(`${url.replace('2026-01-01', '0001-01-01')}&max_points=96`);
    assert.deepEqual([wide.granularity, wide.count], ['15min', 7]);
  });

  test('doubles come back as they are, texts as texts', async () => {
    const url = `/api/devices/d/metrics?${RANGE}&granularity=raw`;
    const odd = await ask(`${url}&metric_name=odd`);
    assert.deepEqual(values(odd), ['NaN', 'Infinity', '-Infinity', -0, 5e-324, 1e308]);
    assert.equal(odd.data[5]?.['timestamp'], '2026-01-01T00:00:00.000005Z');
    assert.deepEqual(values(await ask(`${url}&metric_name=mixed`)), [1.5, 'broken']);
    assert.deepEqual(values(await ask(`${url}&metric_name=note`)), ['a,"b"\n☃']);
    assert.deepEqual(values(await ask(`${url.replace('raw', 'auto')}&metric_name=note`)), ['a,"b"\n☃']);
    const text = await ask(`/api/devices/d/metrics?${RANGE}&metric_name=x&metric_name=note`, 400);
    assert.match((text as unknown as { error: string }).error, /^metric_name: "note" .* text/);
    assert.deepEqual(values(await ask(`/api/devices/d/metrics?${RANGE}&metric_name=mixed`)), [1.5]);
  });

  test('several metrics and devices, of which some may not be', async () => {
    const url = `/api/metrics?${RANGE}&granularity=1day&device_id=d&device_id=$1&metric_name=x&metric_name=y&metric_name=$1`;
    assert.deepEqual((await ask(url)).data, [
      { device_id: '$1', metric_name: '$1', timestamp: '2026-01-01T00:00:00.000000Z', value: 7 },
      { device_id: 'd', metric_name: 'x', timestamp: '2026-01-01T00:00:00.000000Z', value: 299.5 },
      { device_id: 'd', metric_name: 'y', timestamp: '2026-01-01T00:00:00.000000Z', value: 1 / 3 },
    ]);
    assert.deepEqual((await ask(`/api/devices/d/metrics?${RANGE}&metric_name=nothing`)).data, []);
    for (const path of ['devices/nobody/metrics?', 'metrics?device_id=d&device_id=nobody&']) {
      const unknown = await ask(`/api/${path}${RANGE}&metric_name=x`, 404);
      assert.match((unknown as unknown as { error: string }).error, /"nobody"/);
    }
  });

  test('names are names, whatever they look like', async () => {
    for (const name of AWKWARD) {
      const encoded = encodeURIComponent(name);
      const rest = `metric_name=${encoded}&${RANGE}&granularity=raw`;
      assert.deepEqual(values(await ask(`/api/metrics?device_id=${encoded}&${rest}`)), [7], name);
      // Whoever asks for a path takes these out of it.
      if (name !== '..')
        assert.deepEqual(values(await ask(`/api/devices/${encoded}/metrics?${rest}`)), [7], name);
    }
    const hostile = encodeURIComponent(`x' OR true; --`);
    assert.deepEqual((await ask(`/api/devices/d/metrics?metric_name=${hostile}&${RANGE}`)).data, []);
  });

  test('pages of points are all of them, each once', async () => {
    const url = `/api/devices/d/metrics?metric_name=x&metric_name=y&metric_name=mixed&${RANGE}&granularity=raw`;
    const whole = await ask(url);
    assert.equal(whole.next_cursor, null);
    for (const limit of [50, 599, 600, 601, 603, 604, 605]) {
      const found: object[] = [];
      let cursor = '';
      for (let pages = 0; pages < 700; pages++) {
        const page = await ask(`${url}&limit=${limit}${cursor}`);
        assert.ok(page.count <= limit);
        found.push(...page.data);
        if (page.next_cursor === null) break;
        assert.equal(page.count, limit);
        cursor = `&cursor=${page.next_cursor}`;
      }
      assert.deepEqual(found, whole.data, String(limit));
    }
  });

  test('a database that is away is a 503, and the next question is answered', async () => {
    const url = `/api/devices/d/metrics?metric_name=x&${RANGE}`;
    const away = poolOf({ url: database.url.replace(database.name, 'nothing_there') });
    const other = await buildApplication(httpOptions({ ports: { metrics: new MetricReader(away) } }));
    const response = await other.inject({ url, headers: { host: 'localhost' } });
    assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '5']);
    await away.close();
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate queries'`,
    );
    await eventually('the database answers again', async () => {
      const { statusCode } = await app.inject({ url, headers: { host: 'localhost' } });
      return statusCode === 200;
    });
  });

  test('an answer that cannot be finished breaks off', async () => {
    async function* broken(): AsyncGenerator<MetricRows> {
      const times = new Float64Array(20_000).fill(Date.UTC(2026, 0, 1) * 1000);
      const values = times.map(() => 1);
      for (let page = 0; page < 3; page++)
        yield { device: 'd', metric: 'x', text: false, times, values, empty: null };
      throw new Error('the disk is gone');
    }
    const logged: object[] = [];
    const metrics = { ask: async () => ({ granularity: 'raw', rows: broken(), next: () => null }) };
    const server = await createHttpServer({
      ...httpOptions({ ports: { metrics } }, logged),
      port: 0,
      allowAnonymous: false,
    });
    const { url } = await server.listen();
    for (const format of ['json', 'ndjson', 'csv']) {
      const response = await fetch(`${url}/api/devices/d/metrics?metric_name=x&${RANGE}&format=${format}`);
      assert.equal(response.status, 200);
      await assert.rejects(response.text());
    }
    assert.equal(logged.length, 3);
    await server.close();
  });

  test('a client that leaves ends a long answer', async () => {
    const ended = Promise.withResolvers<void>();
    async function* endless(): AsyncGenerator<MetricRows> {
      const times = new Float64Array(20_000).fill(Date.UTC(2026, 0, 1) * 1000);
      const values = times.map(() => 1);
      try {
        for (;;) yield { device: 'd', metric: 'x', text: false, times, values, empty: null };
      } finally {
        ended.resolve();
      }
    }
    const logged: object[] = [];
    const metrics = { ask: async () => ({ granularity: 'raw', rows: endless(), next: () => null }) };
    const server = await createHttpServer({
      ...httpOptions({ ports: { metrics } }, logged),
      port: 0,
      allowAnonymous: false,
    });
    const { url } = await server.listen();
    const request = get(`${url}/api/devices/d/metrics?metric_name=x&${RANGE}&format=csv`, (response) => {
      response.once('data', () => response.destroy());
      response.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    await ended.promise;
    await server.close();
    assert.deepEqual(logged, []);
  });

  test('a client that leaves ends its query', async () => {
    const slow = poolOf(database);
    const server = await createHttpServer({
      ...httpOptions({ ports: { metrics: new MetricReader(slow), anomalies: new Anomalies(slow) } }),
      port: 0,
      allowAnonymous: false,
    });
    const { url } = await server.listen();
    const locker = await database.connect();
    await locker.query('BEGIN; LOCK TABLE tidegate.points_late IN ACCESS EXCLUSIVE MODE');
    const waiting = () =>
      database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate queries' AND state = 'active'`,
      );
    try {
      for (const question of [
        `metrics?metric_name=x&granularity=raw&${RANGE}`,
        'anomaly?metric_name=x&method=mad',
      ]) {
        const request = get(`${url}/api/devices/d/${question}`);
        request.on('error', () => undefined);
        await eventually('the query runs', async () => (await waiting()).length === 1);
        request.destroy();
        await eventually('the query has ended', async () => (await waiting()).length === 0);
      }
    } finally {
      await locker.query('ROLLBACK');
      await server.close();
      await slow.close();
    }
  });
});

function poolOf({ url }: Pick<TestDatabase, 'url'>): QueryPool {
  return new QueryPool({ url, schema: 'public', statementTimeout: 60_000, connections: 2 });
}
