import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Engine } from '../../src/engines/engine.ts';
import { Anomalies, type AnomalyQuestion } from '../../src/postgres/anomalies.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { openSink, points, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';
import { change } from '../unit/pipeline/messages.ts';
import { batchesOf, DAY, HOUR, lifetime, MINUTE, SECOND } from './inputs.ts';
import { put, Model } from './model.ts';
import { compressAll, refreshAll } from './states.ts';

interface Point {
  readonly time: string;
  readonly value: number;
}

const SERIES = ['a', 'b', 'ü/c'].flatMap((deviceId) =>
  ['plain', 'awkward', 'counter'].map((metricName) => ({ deviceId, metricName })),
);
/** Microseconds back, from a minute to 500 days, each size as likely as the others. */
const back = fc
  .double({ min: Math.log(MINUTE), max: Math.log(500 * DAY), noNaN: true })
  .map((size) => Math.round(Math.exp(size)));
const question = fc.record({
  series: fc.constantFrom(...SERIES),
  baseline: back,
  windowShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
  threshold: fc.double({ min: 0.1, max: 5, noNaN: true }),
  method: fc.constantFrom('zscore' as const, 'mad' as const),
});
const EVERYTHING = {
  window: HOUR,
  baseline: DAY,
  threshold: 3,
  method: 'zscore',
  limit: 10_000,
  visible: null,
} as const;

for (const kind of ENGINES) {
  suite(`anomalies on ${kind.name}`, { skip: kind.skip }, () => {
    const now = Date.now() * 1000;
    const random = randomFrom(5);
    const model = new Model();
    let database: TestDatabase;
    let sink: TestSink;
    let engine: Engine;
    let pool: QueryPool;
    let anomalies: Anomalies;
    before(async () => {
      database = await kind.createDatabase();
      sink = openSink(database, { engine: kind.name });
      engine = kind.open(database);
      pool = new QueryPool({ url: database.url, schema: 'public', statementTimeout: 30_000, connections: 2 });
      anomalies = new Anomalies(pool);
    });
    after(async () => {
      await pool.close();
      await sink.close();
      await database.drop();
    });

    /** With the points that the answer was made of, and those of them that were looked at. */
    async function asked(wanted: AnomalyQuestion) {
      const clock = async () =>
        Number(
          (
            await database.query<{ now: string }>(
              `SELECT (extract(epoch FROM now()) * 1000000)::bigint AS now`,
            )
          )[0]?.now,
        );
      const stored = await database.query<Point>(
        `SELECT (extract(epoch FROM "timestamp") * 1000000)::bigint AS time, value FROM iot_data
         WHERE device_id = $1 AND metric_name = $2 ORDER BY "timestamp" DESC`,
        [wanted.deviceId, wanted.metricName],
      );
      const within = (length: number, at: number) => stored.filter(({ time }) => Number(time) > at - length);
      for (;;) {
        const begun = await clock();
        const answer = await anomalies.find(wanted);
        const ended = await clock();
        const [usual, looked] = [within(wanted.baseline, begun), within(wanted.window, begun)];
        // Otherwise a point grew too old meanwhile.
        if (
          usual.length === within(wanted.baseline, ended).length &&
          looked.length === within(wanted.window, ended).length
        )
          return { answer, usual, looked };
      }
    }

    async function assertAnswers(when: string): Promise<void> {
      let found = 0;
      const property = fc.asyncProperty(question, async ({ series, windowShare, ...rest }) => {
        const wanted = {
          ...EVERYTHING,
          ...series,
          ...rest,
          window: Math.ceil(rest.baseline * windowShare),
          limit: 1e6,
        };
        const { answer, usual, looked } = await asked(wanted);
        found += answer.anomalies.length;
        assertEqual(answer, usual, looked, wanted);
      });
      await fc.assert(property, { numRuns: 30 });
      assert.ok(found > 0, `${when}: nothing was found, so nothing was compared`);
    }

    async function putAll(seed: number, share: number): Promise<void> {
      const rows = lifetime(now, seed).filter(({ time }) => time > now - 410 * DAY && random() < share);
      for (const batch of batchesOf(rows, 900, random)) await put(sink, model, batch);
    }

    test('what is found equals what the points say, before any refresh', async () => {
      await putAll(1, 0.6);
      await assertAnswers('live');
    });

    test('and from aggregates, with compressed and with late points', async () => {
      await refreshAll(database, engine);
      await assertAnswers('refreshed');
      await compressAll(engine, Date.now() - (7 * DAY) / 1000);
      await assertAnswers('compressed');
      await putAll(2, 0.1);
      await refreshAll(database, engine);
      await assertAnswers('mixed');
    });

    test('without deviation nothing is an anomaly, whatever rounding makes of it', async () => {
      const at = Date.now() * 1000;
      const constant = (metric: string, value: number) =>
        Array.from({ length: 3_000 }, (_, index) => ({
          device: 'still',
          metric,
          time: at - (index + 1) * SECOND,
          value,
        }));
      const odd = (metric: string, ...values: number[]) =>
        values.map((value, index) => ({
          device: 'still',
          metric,
          time: at - 10 * SECOND - index - 1,
          value,
        }));
      await sink.put(
        points([
          ...constant('tenth', 0.1),
          ...constant('with nan', 0.3),
          ...odd('with nan', Number.NaN, Number.POSITIVE_INFINITY),
          ...odd('single', 7),
          ...odd('only nan', Number.NaN),
          ...odd('pair', 1, 2),
        ]),
        change('still', 'word', at, 'on'),
      );
      await refreshAll(database, engine);
      const ask = (metricName: string, method: 'zscore' | 'mad') =>
        anomalies.find({ ...EVERYTHING, deviceId: 'still', metricName, method, threshold: 0.001 });
      for (const method of ['zscore', 'mad'] as const) {
        for (const [metric, baseline] of [
          ['tenth', { points: 3_000, stddev: 0 }],
          ['with nan', { points: 3_000, stddev: 0 }],
          ['single', { points: 1, mean: 7, stddev: null }],
          ['only nan', { points: 0, mean: null, stddev: null }],
          ['nothing', { points: 0, mean: null, stddev: null }],
        ] as const) {
          const found = await ask(metric, method);
          assert.deepEqual(found.anomalies, [], `${metric} by ${method}`);
          assert.deepEqual({ ...found.baseline, ...baseline }, found.baseline, `${metric} by ${method}`);
        }
      }
      const pair = await ask('pair', 'zscore');
      assert.deepEqual(
        pair.anomalies.map(({ value, z_score }) => [value, Math.round(z_score * 1000)]),
        [
          [1, 707],
          [2, 707],
        ],
      );
      await assert.rejects(ask('word', 'zscore'), { code: 'usage', message: /metric_name: "word" is text/ });
    });

    test('with deviation, NaN and infinities are anomalies; the newest come first, up to the limit', async () => {
      const at = Date.now() * 1000 - MINUTE;
      const values = [1, 2, Number.NaN, 3, Number.NEGATIVE_INFINITY, 2, Number.POSITIVE_INFINITY, 1.7e308];
      await sink.put(
        points(
          values.map((value, index) => ({ device: 'wild', metric: 'x', time: at + index * SECOND, value })),
        ),
      );
      const ask = (limit: number) =>
        anomalies.find({ ...EVERYTHING, deviceId: 'wild', metricName: 'x', limit });
      const found = await ask(10);
      assert.deepEqual(found.baseline, { points: 4, mean: 2, stddev: Math.sqrt(2 / 3) });
      assert.deepEqual(
        found.anomalies.map(({ value }) => value),
        [1.7e308, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
      );
      assert.deepEqual(
        (await ask(2)).anomalies.map(({ value, z_score, timestamp }) => [value, z_score, timestamp]),
        [
          [1.7e308, 1.7e308 / Math.sqrt(2 / 3), iso(at + 7 * SECOND)],
          [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, iso(at + 6 * SECOND)],
        ],
      );
    });

    test('points of the future count, devices that nobody knows or may see do not', async () => {
      const at = Date.now() * 1000;
      const spread = Array.from({ length: 20 }, (_, index) => index % 2);
      await sink.put(
        points(
          [...spread, 50].map((value, index) => ({
            device: 'ahead',
            metric: 'x',
            time: at + index * MINUTE,
            value,
          })),
        ),
      );
      const ask = (deviceId: string, visible: AnomalyQuestion['visible']) =>
        anomalies.find({ ...EVERYTHING, deviceId, metricName: 'x', visible });
      assert.deepEqual(
        (await ask('ahead', null)).anomalies.map(({ value }) => value),
        [50],
      );
      assert.equal((await ask('ahead', ['other', 'ahe'])).anomalies.length, 1);
      for (const [deviceId, visible] of [
        ['ahead', ['other', 'ahead2']],
        ['nobody', null],
        ['no\0body', null],
      ] as const) {
        const message = `there is no device ${JSON.stringify(deviceId)}`;
        await assert.rejects(ask(deviceId, visible), { code: 'device_unknown', message });
      }
    });
  });
}

function assertEqual(
  { baseline, anomalies }: Awaited<ReturnType<Anomalies['find']>>,
  usual: readonly Point[],
  looked: readonly Point[],
  { threshold, method }: AnomalyQuestion,
): void {
  const values = usual.map(({ value }) => value).filter((value) => Math.abs(value) <= 1e140);
  assert.equal(baseline.points, values.length);
  if (values.length === 0) {
    assert.deepEqual([baseline.mean, anomalies], [null, []]);
    return;
  }
  const greatest = Math.max(...values.map(Math.abs));
  const noise = 1e-13 * values.length * greatest + 1e-149;
  const mean =
    method === 'mad' ? medianOf(values) : values.reduce((sum, value) => sum + value / values.length, 0);
  near(baseline.mean, mean, noise, 'mean');
  if (values.length === 1) {
    assert.deepEqual([baseline.stddev, anomalies], [null, []]);
    return;
  }
  const stddev =
    method === 'mad'
      ? 1.4826 * medianOf(values.map((value) => Math.abs(value - mean)))
      : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2 / (values.length - 1), 0));
  near(baseline.stddev, stddev, noise + 1e-9 * stddev, 'stddev');
  if (baseline.stddev === 0) {
    assert.deepEqual(anomalies, []);
    return;
  }
  const found = new Set(anomalies.map(({ timestamp }) => timestamp));
  assert.deepEqual(
    anomalies.map(({ timestamp }) => timestamp),
    [...found].sort().toReversed(),
  );
  for (const { time, value } of looked) {
    const excess = Math.abs(value - mean) - threshold * stddev;
    if (Math.abs(excess) <= 10 * noise + 1e-8 * threshold * stddev) found.delete(iso(Number(time)));
    // Of NaN too, which PostgreSQL takes for greater than any number.
    else assert.equal(found.delete(iso(Number(time))), !(excess <= 0), `${value}, ${mean}, ${stddev}`);
  }
  assert.deepEqual([...found], [], 'anomalies outside of the window');
}

function near(found: number | null, wanted: number, noise: number, what: string): void {
  assert.ok(found !== null && Math.abs(found - wanted) <= noise, `${what}: ${found}, not ${wanted}`);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] as number, sorted[sorted.length >> 1] as number];
  return low + (high - low) / 2;
}

function iso(time: number): string {
  const micros = String(time % SECOND).padStart(6, '0');
  return `${new Date(Math.floor(time / SECOND) * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}
