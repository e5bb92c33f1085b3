import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LatestPoints } from '../../src/postgres/latest-points.ts';
import { NewPoints } from '../../src/postgres/new-points.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { never, openSink } from '../integration/postgres/sinks.ts';
import { ENGINES } from '../support/engines.ts';
import { message } from '../unit/pipeline/messages.ts';
import { HOUR, SECOND } from './inputs.ts';

const QUESTION = { devices: null, metrics: null, match: '*', visible: null };
const put = fc.record({
  metric: fc.constantFrom('x', 'y', 'note'),
  /** After the latest one of its series, or before it. */
  step: fc.constantFrom(1, 2, 5, -1),
  value: fc.constantFrom(1, Number.NaN, 2.5, 'on', 'ü'),
});

for (const kind of ENGINES) {
  test(`looks on ${kind.name} find what came after the latest points, and that alone`, {
    skip: kind.skip,
  }, async () => {
    const database = await kind.createDatabase();
    const sink = openSink(database, { engine: kind.name });
    const pool = new QueryPool({
      url: database.url,
      schema: 'public',
      statementTimeout: 30_000,
      connections: 1,
    });
    const shared = new LatestPoints(pool);
    const all = new NewPoints(pool, shared, QUESTION, 1_000);
    const few = new NewPoints(pool, shared, { ...QUESTION, metrics: ['x'], visible: ['dev'] }, 1);
    const hidden = new NewPoints(pool, shared, { ...QUESTION, visible: ['other'] }, 1_000);
    const begin = Date.now() * 1000 - HOUR;
    const latest = new Map<string, number>();
    const store = async (puts: readonly (typeof put extends fc.Arbitrary<infer T> ? T : never)[]) => {
      const before = new Map(latest);
      const stored = puts.map(({ metric, step, value }) => {
        const series = `${metric} ${typeof value}`;
        const time = Math.max(begin, (latest.get(series) ?? begin) + step * SECOND);
        latest.set(series, Math.max(time, latest.get(series) ?? 0));
        return { series, metricName: metric, value, timestamp: time };
      });
      await sink.put(
        message((out) => {
          for (const { metricName, value, timestamp } of stored) {
            if (typeof value === 'number') out.number('device', metricName, timestamp, value, 'gauge');
            else out.text('device', metricName, timestamp, value, false);
          }
        }),
      );
      const first = stored.filter(
        ({ series, timestamp }, index) =>
          timestamp > (before.get(series) ?? (latest.get(series) as number) - 1) &&
          stored.findIndex((other) => other.series === series && other.timestamp === timestamp) === index,
      );
      return first
        .map(({ series: _series, ...point }) => ({ deviceId: 'device', ...point }))
        .sort((left, right) => left.timestamp - right.timestamp || (shown(left) < shown(right) ? -1 : 1));
    };
    const look = async (points: NewPoints) => await points.take(never());
    await store([{ metric: 'x', step: 1, value: 1 }]);
    for (const points of [all, few, hidden]) assert.deepEqual(await look(points), { lost: 0, points: [] });
    const property = fc.asyncProperty(
      fc.array(put, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (puts, folded) => {
        const wanted = await store(puts);
        if (folded) await sink.maintain(() => ({ records: new Set(), earlier: false }));
        const { lost, points } = await look(all);
        assert.equal(lost, 0);
        assert.deepEqual(
          points.toSorted(
            (left, right) => left.timestamp - right.timestamp || (shown(left) < shown(right) ? -1 : 1),
          ),
          wanted,
        );
        const x = wanted.filter(({ metricName }) => metricName === 'x');
        const found = await look(few);
        assert.deepEqual(
          found.points.map(({ timestamp }) => timestamp),
          x.slice(-1).map(({ timestamp }) => timestamp),
        );
        assert.equal(found.lost > 0, x.length > 1);
        assert.deepEqual(await look(hidden), { lost: 0, points: [] });
      },
    );
    await fc.assert(property, { numRuns: 25 });
    await pool.close();
    await sink.close();
    await database.drop();
  });
}

function shown({
  metricName,
  value,
}: {
  readonly metricName: string;
  readonly value: number | string;
}): string {
  return `${metricName} ${typeof value}`;
}
