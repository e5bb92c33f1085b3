import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LatestPoints } from '../../src/postgres/latest-points.ts';
import { NewPoints } from '../../src/postgres/new-points.ts';
import { never, openWithReader } from '../integration/postgres/sinks.ts';
import { ENGINES } from '../support/engines.ts';
import { message } from '../unit/pipeline/messages.ts';
import { HOUR, SECOND } from './inputs.ts';

const QUESTION = { devices: null, metrics: null, match: '*', visible: null };
const put = fc.record({
  metric: fc.constantFrom('x', 'y', 'note'),
  /** After the beginning of its batch, which moves on: most of the earlier ones are late. */
  second: fc.integer({ min: -8, max: 4 }),
  value: fc.constantFrom(1, Number.NaN, 2.5, 'on', 'ü'),
});
type Put = typeof put extends fc.Arbitrary<infer T> ? T : never;
const look = fc.record({
  batches: fc.array(fc.array(put, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
  folded: fc.boolean(),
});

interface Stored {
  readonly metricName: string;
  readonly value: number | string;
  readonly timestamp: number;
}

for (const kind of ENGINES) {
  for (const denseFrom of kind.name === 'postgres' ? [0, 2] : [0]) {
    test(`looks on ${kind.name} tell each point once, or that it is among others (dense from ${denseFrom})`, {
      skip: kind.skip,
    }, async (t) => {
      const { sink, pool } = await openWithReader(t, kind, { denseFrom });
      const shared = { pool, latest: new LatestPoints(pool), patience: 600_000 };
      const all = new NewPoints({ ...shared, question: QUESTION, limit: 1_000 });
      const x = { ...QUESTION, metrics: ['x'], visible: ['dev'] };
      const few = new NewPoints({ ...shared, question: x, limit: 1 });
      const hidden = new NewPoints({
        ...shared,
        question: { ...QUESTION, visible: ['other'] },
        limit: 1_000,
      });
      const stored = new Map<string, Stored>();
      const latest = new Map<string, number>();
      let begin = Date.now() * 1000 - HOUR;
      const store = async (puts: readonly Put[]): Promise<Stored[]> => {
        begin += 3 * SECOND;
        const points = puts.map(({ metric, second, value }) => ({
          metricName: metric,
          value,
          timestamp: begin + second * SECOND,
        }));
        await sink.put(
          message((out) => {
            for (const { metricName, value, timestamp } of points) {
              if (typeof value === 'number') out.number('device', metricName, timestamp, value, 'gauge');
              else out.text('device', metricName, timestamp, value, false);
            }
          }),
        );
        return points.filter((point) => {
          const isNew = !stored.has(keyOf(point));
          if (isNew) stored.set(keyOf(point), point);
          return isNew;
        });
      };
      const begun = await store([{ metric: 'x', second: 0, value: 1 }]);
      latest.set('x number', begun[0]?.timestamp as number);
      for (const points of [all, few, hidden])
        assert.deepEqual(await points.take(never()), { lost: 0, unseen: null, late: [], points: [] });
      let [told, untold] = [0, 0];
      const property = fc.asyncProperty(look, async ({ batches, folded }) => {
        const added: Stored[] = [];
        for (const batch of batches) added.push(...(await store(batch)));
        const news = await all.take(never());
        assert.deepEqual([news.lost, news.unseen], [0, null]);
        const left = new Map(added.map((point) => [keyOf(point), point]));
        for (const { deviceId, ...point } of news.points) {
          assert.equal(deviceId, 'device');
          assert.deepEqual(point, left.get(keyOf(point)), 'new, and not told before');
          left.delete(keyOf(point));
          told++;
        }
        for (const point of left.values())
          assert.ok(point.timestamp <= (latest.get(seriesOf(point)) as number), 'not told, and not late');
        for (const { metricName, first, last, count } of news.late) {
          const isWithin = (point: Stored) =>
            point.metricName === metricName && point.timestamp >= first && point.timestamp <= last;
          const among = [...left.values()].filter(isWithin);
          const series = [...new Set(among.map(seriesOf))].filter(
            (name) => among.filter((point) => seriesOf(point) === name).length === count,
          );
          assert.ok(series.length > 0, `${count} of ${metricName}`);
          assert.ok([...stored.values()].filter(isWithin).length > count, 'among others');
          const of = among.filter((point) => seriesOf(point) === series[0]);
          for (const point of of) left.delete(keyOf(point));
          untold += count;
        }
        assert.deepEqual([...left.values()], [], 'neither told nor counted');
        const found = await few.take(never());
        const counted = found.late.reduce((sum, { count }) => sum + count, found.lost + found.points.length);
        const wanted = added.filter(({ metricName }) => metricName === 'x');
        assert.equal(counted, wanted.length);
        assert.ok(found.points.length <= 1);
        assert.deepEqual(await hidden.take(never()), { lost: 0, unseen: null, late: [], points: [] });
        for (const point of added)
          latest.set(seriesOf(point), Math.max(point.timestamp, latest.get(seriesOf(point)) ?? 0));
        if (folded) await sink.maintain();
      });
      await fc.assert(property, { numRuns: 40, endOnFailure: true });
      assert.ok(told > 2 * untold, `${told} told, ${untold} not`);
    });
  }

  test(`a look on ${kind.name} that comes late says so, and tells what is later than what was seen`, {
    skip: kind.skip,
  }, async (t) => {
    const { sink, pool } = await openWithReader(t, kind);
    const latest = new LatestPoints(pool);
    const all = new NewPoints({ pool, latest, question: QUESTION, limit: 10, patience: 0 });
    const begin = Date.now() * 1000 - HOUR;
    const at = async (second: number) =>
      await sink.put(message((out) => out.number('device', 'x', begin + second * SECOND, second, 'gauge')));
    await at(0);
    await all.take(never());
    await at(-1);
    await at(1);
    await sink.maintain();
    const { unseen, points } = await all.take(never());
    assert.match(unseen as string, /^20\d\d-.*Z$/);
    assert.deepEqual(
      points.map(({ value }) => value),
      [1],
    );
  });
}

/** Numbers and texts are separate series. */
function seriesOf({ metricName, value }: Pick<Stored, 'metricName' | 'value'>): string {
  return `${metricName} ${typeof value}`;
}

function keyOf(point: Stored): string {
  return `${seriesOf(point)} ${point.timestamp}`;
}
