import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WriteError } from '../../../src/errors.ts';
import { BatchSeries } from '../../../src/pipeline/batch-series.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Batch, Series, SeriesKind } from '../../../src/pipeline/types.ts';
import { change, NEW_YEAR, point } from './messages.ts';
import { HeldSink, settle, startPipeline } from './ports.ts';

/** What a series cache of this size would forget while it is in hand, if it could. */
const SMALL = 2;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      builder: fc.nat(1),
      device: fc.nat(3),
      metric: fc.oneof(fc.nat(6), fc.nat(60)),
      kind: fc.constantFrom<SeriesKind>('gauge', 'text'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ seal: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ release: fc.nat(9) }) },
);

test('property: while a batch has it a series is one object and one place, and then it is forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 2, max: 12 }), (steps, bound) => {
      const registry = new SeriesRegistry(bound);
      const open = [0, 1].map(() => new BatchSeries(registry));
      const placed: Series[][] = [[], []];
      const sealed: Series[][] = [];
      for (const one of steps) {
        if ('seal' in one) {
          sealed.push((open[one.seal] as BatchSeries).take());
          placed[one.seal] = [];
        } else if ('release' in one) {
          const [leaving] = sealed.splice(one.release, 1);
          if (leaving !== undefined) registry.release(leaving);
        } else {
          const series = open[one.builder] as BatchSeries;
          const at = series.place(`device ${one.device}`, `metric ${one.metric}`, one.kind);
          (placed[one.builder] as Series[])[at] = series.at(at);
        }
        const inHand = new Set([...placed, ...sealed].flat());
        assert.equal(new Set([...inHand].map(nameOf)).size, inHand.size, 'one object a name');
        assert.equal(new Set([...inHand].map(({ place }) => place)).size, inHand.size, 'a place each');
        for (const { deviceId, metricName, kind, place } of inHand)
          assert.equal(registry.intern(deviceId, metricName, kind).place, place);
        assert.ok(
          registry.size < 2 * Math.max(bound, inHand.size) + bound,
          `${registry.size}, ${inHand.size} in hand`,
        );
      }
      for (const left of [...sealed, ...open.map((series) => series.take())]) registry.release(left);
      for (let index = 0; index < 3 * bound; index++) registry.intern(`new ${index}`, 'x', 'gauge');
      assert.ok(registry.size < 2 * bound, `${registry.size} are left`);
    }),
  );
});

test('a device of more series than the bound, all in hand, costs no more for each than another', () => {
  const registry = new SeriesRegistry(SMALL);
  const series = new BatchSeries(registry);
  const count = 20_000;
  let looks = 0;
  for (let index = 0; index < count; index++) {
    const one = series.at(series.place('large', `metric ${index}`, 'gauge'));
    // Where it is asked whether it can be forgotten.
    const { holds } = one;
    Object.defineProperty(one, 'holds', {
      get: () => {
        looks++;
        return holds;
      },
    });
    series.place('other', `metric ${index % 5}`, 'gauge');
  }
  assert.equal(registry.size, count + 5);
  assert.ok(looks < 10 * count, `${looks} looks at series`);
});

const sent = fc.record({
  device: fc.nat(2),
  metric: fc.nat(3),
  time: fc.nat(2),
  text: fc.boolean(),
  end: fc.option(fc.record({ which: fc.nat(2), fails: fc.boolean() })),
});

test('property: batches of one key are written in turn however few series are kept, and none is kept after', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 10, maxLength: 60 }), async (messages) => {
      const sink = new HeldSink();
      const under = new Set<Batch>();
      const end = (which: number, fails: boolean): void => {
        const write = sink.writes.splice(which % Math.max(1, sink.writes.length), 1)[0];
        if (write === undefined) return;
        const { batch } = write;
        under.delete(batch);
        // One without points that is refused is nobody's fault but ours, and ends the pipeline.
        if (fails && batch.points.length + batch.texts.length > 0)
          write.fail(new WriteError('isolate', '23514', 'violates a constraint'));
        else write.end();
      };
      const look = (): void => {
        for (const { batch } of sink.writes) under.add(batch);
        const keys = [...under].flatMap((batch) => [...new Set(keysOf(batch))]);
        assert.equal(new Set(keys).size, keys.length, 'a key is in two batches that are being written');
      };
      const { pipeline, fatal } = startPipeline(sink, {
        writers: 3,
        seriesCache: SMALL,
        batch: { maxPoints: 3, maxBytes: 1_000_000, maxWait: 60_000, minWait: 0, streamWait: 0 },
      });
      for (const { device, metric, time, text, end: ended } of messages) {
        const names = [`device ${device}`, `metric ${metric}`, NEW_YEAR + time] as const;
        pipeline.receive(text ? change(...names, `${time}`) : point(...names, time));
        await settle();
        look();
        if (ended !== null) end(ended.which, ended.fails);
      }
      const drained = pipeline.drain(new AbortController().signal);
      while (pipeline.state().queue.batches > 0) {
        await settle();
        look();
        end(0, false);
      }
      assert.equal(await drained, true);
      assert.deepEqual(fatal, []);
      for (let index = 0; index < 3 * SMALL; index++)
        pipeline.receive(point(`new ${index}`, 'x', NEW_YEAR, 1));
      assert.ok(pipeline.knownSeries <= 2 * SMALL + 3 * SMALL, `${pipeline.knownSeries} series are kept`);
    }),
    { numRuns: 60 },
  );
});

/** As far as an order among them matters: a text claims all time. */
function keysOf({ series, points, texts }: Batch): string[] {
  const of = (index: number | undefined) => nameOf(series[index as number] as Series);
  return [
    ...Array.from(
      points.seriesIndex.subarray(0, points.length),
      (index, row) => `${of(index)} ${points.timestamp[row]}`,
    ),
    ...texts.seriesIndex.map((index) => of(index)),
  ];
}

function nameOf({ deviceId, metricName, text }: Series): string {
  return `${deviceId} ${metricName} ${text}`;
}
