import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../src/engines/engine.ts';
import { buildApplication } from '../../src/http/application.ts';
import { MetricReader } from '../../src/postgres/metric-reader.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { openSink, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { httpOptions } from '../support/http-ports.ts';
import { randomFrom } from '../support/random.ts';
import { batchesOf, DAY, HOUR, lifetime } from './inputs.ts';
import {
  type AnyQuestion,
  anyQuestion,
  assertRows,
  type Row,
  urlOf,
  wantedRows,
} from './metric-questions.ts';
import { Model, put, type Series } from './model.ts';
import { compressAll, refreshAll } from './states.ts';

const SEED = 13;
const QUESTIONS = 60;
/** Rows that are read at once: few, so that answers have many pages; and as in earnest. */
const PAGES = [37, 10_000];

for (const kind of ENGINES) {
  suite(`metrics over HTTP of ${kind.name}`, { skip: kind.skip }, () => {
    const now = Date.now() * 1000;
    const random = randomFrom(SEED);
    const model = new Model();
    let database: TestDatabase;
    let sink: TestSink;
    let engine: Engine;
    let pool: QueryPool;
    let apps: readonly FastifyInstance[];
    before(async () => {
      database = await kind.createDatabase();
      sink = openSink(database, { engine: kind.name });
      engine = kind.open(database);
      pool = new QueryPool({ url: database.url, schema: 'public', statementTimeout: 60_000, connections: 2 });
      apps = await Promise.all(
        PAGES.map((rows) =>
          buildApplication(httpOptions({ ports: { metrics: new MetricReader(pool, rows) } })),
        ),
      );
    });
    after(async () => {
      await pool.close();
      await sink.close();
      await database.drop();
    });

    async function putAll(rows: Parameters<typeof batchesOf>[0], size: number): Promise<void> {
      for (const batch of batchesOf(rows, size, random)) await put(sink, model, batch);
    }

    /** With any questions, whatever is stored. */
    async function assertAnswers(when: string): Promise<void> {
      const all = await stored(database);
      await fc.assert(
        fc.asyncProperty(anyQuestion(now), fc.constantFrom(...apps), async (question, app) => {
          const rows = await answer(app, question);
          assertRows(rows, wantedRows(all, question), `${when}: ${urlOf(question)}`);
        }),
        { numRuns: QUESTIONS },
      );
    }

    test('points that are hot', async () => {
      await putAll(lifetime(now, 3), 900);
      await assertAnswers('hot');
    });

    test('points that are compressed, aggregates that are kept', async () => {
      await refreshAll(database, engine);
      await compressAll(engine, Date.now() - (7 * DAY) / 1000);
      await assertAnswers('compressed');
    });

    test('late points among compressed ones', async () => {
      await putAll(
        lifetime(now, 4).filter(({ time }) => time < now - 2 * HOUR && random() < 0.3),
        300,
      );
      await refreshAll(database, engine);
      await assertAnswers('mixed');
    });
  });
}

/** What iot_data and iot_text have. */
async function stored(database: TestDatabase): Promise<Series[]> {
  const series = new Map<
    string,
    { device: string; metric: string; text: boolean; points: Series['points'][number][] }
  >();
  for (const text of [false, true]) {
    const rows = await database.query<{
      device: string;
      metric: string;
      time: string;
      value: number | string;
    }>(
      `SELECT device_id AS device, metric_name AS metric, value, (extract(epoch FROM "timestamp") * 1000000)::bigint AS time
       FROM ${text ? 'iot_text' : 'iot_data'}
       ORDER BY device_id COLLATE "C", metric_name COLLATE "C", "timestamp"`,
    );
    for (const { device, metric, time, value } of rows) {
      const key = JSON.stringify([device, metric, text]);
      const one = series.get(key) ?? { device, metric, text, points: [] };
      series.set(key, one);
      one.points.push({ time: Number(time), value });
    }
  }
  const place = ({ device, metric }: Series) => Buffer.from(`${device}\0${metric}`);
  return [...series.values()].sort((one, other) => Buffer.compare(place(one), place(other)));
}

/** All rows, following cursors where there are some. */
async function answer(app: FastifyInstance, question: AnyQuestion): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor = ''; ; ) {
    const response = await app.inject({ url: urlOf(question) + cursor, headers: { host: 'localhost' } });
    assert.equal(response.statusCode, 200, response.body);
    if (question.format !== 'json') {
      const parse = question.format === 'csv' ? csvRows : ndjsonRows;
      const found = parse(response.body, question);
      // A limit without a cursor: the rest is asked for in JSON.
      if (question.limit === null) return found;
      const { limit, ...rest } = question;
      const whole = await answer(app, { ...rest, format: 'json', limit: null });
      assert.deepEqual(found, whole.slice(0, limit));
      return whole;
    }
    const page = response.json<{ data: Raw[]; count: number; next_cursor: string | null }>();
    assert.equal(page.count, page.data.length);
    rows.push(...page.data.map((row) => shaped(row, question)));
    if (page.next_cursor === null) return rows;
    assert.equal(page.count, question.limit ?? 10_000);
    cursor = `&cursor=${page.next_cursor}`;
  }
}

interface Raw {
  readonly device_id?: string;
  readonly metric_name?: string;
  readonly timestamp: string;
  readonly value: number | string | null;
}

function ndjsonRows(body: string, question: AnyQuestion): Row[] {
  const lines = body.split('\n').slice(0, -1);
  return lines.map((line) => shaped(JSON.parse(line) as Raw, question));
}

/** No name and no text of the test needs quotes. */
function csvRows(body: string, question: AnyQuestion): Row[] {
  const [header = '', ...lines] = body.split('\r\n').slice(0, -1);
  const names = header.split(',');
  return lines.map((line) => {
    const row = Object.fromEntries(
      line.split(',').map((field, place) => [names[place], field]),
    ) as unknown as Raw;
    const isText = (row.metric_name ?? question.metrics[0]) === 'note';
    const { value } = row;
    return shaped({ ...row, value: isText ? value : value === '' ? null : Number(value) }, question);
  });
}

function shaped({ device_id, metric_name, timestamp, value }: Raw, { devices, metrics }: AnyQuestion): Row {
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(device_id !== undefined, devices.length > 1);
  assert.equal(metric_name !== undefined, metrics.length > 1);
  return {
    device: device_id ?? (devices[0] as string),
    metric: metric_name ?? (metrics[0] as string),
    time: Date.parse(`${timestamp.slice(0, 23)}Z`) * 1000 + Number(timestamp.slice(23, 26)),
    value: typeof value === 'string' && /^(NaN|-?Infinity)$/.test(value) ? Number(value) : value,
    noise: 0,
  };
}
