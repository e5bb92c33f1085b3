import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as fc from 'fast-check';
import { MemorySpool } from '../../support/memory-spool.ts';
import { startClock } from './clock.ts';
import { message, NEW_YEAR, point, SECOND, type TestMessage } from './messages.ts';
import { type Mode, ModelDatabase } from './model-database.ts';
import { startPipeline } from './ports.ts';

interface Step {
  /** Device and second of each message that arrives, and how often it arrives. */
  readonly arriving: readonly { readonly device: string; readonly at: number; readonly times: number }[];
  readonly mode: Mode;
  readonly milliseconds: number;
  readonly spoolFails: boolean;
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  arriving: fc.array(
    fc.record({
      device: fc.constantFrom('a', 'b', 'c'),
      at: fc.nat(6),
      times: fc.integer({ min: 1, max: 2 }),
    }),
    { maxLength: 5 },
  ),
  mode: fc.constantFrom<Mode>('up', 'up', 'down', 'hanging', 'lost', 'lost in silence'),
  milliseconds: fc.constantFrom(0, 40, 200, 600, 1_500),
  spoolFails: fc.integer({ min: 0, max: 5 }).map((seldom) => seldom === 0),
});

const OPTIONS = { spoolAfter: 400 };
/** How many points are written at once, and so how many records of the spool. */
const batchArbitrary = fc.constantFrom(1, 4, 1_000).map((maxPoints) => ({
  batch: { maxPoints, maxBytes: 1_000_000, maxWait: 1_000, minWait: 0, streamWait: 0 },
}));

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`property: whatever the outages, what is stored is what would be without them (${onDuplicate})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0, 1_000),
        batchArbitrary,
        async (steps, writers, refused, batch) => {
          const pass = startClock({ mock });
          try {
            const [database, calm, spool] = [
              new ModelDatabase(onDuplicate),
              new ModelDatabase(onDuplicate),
              new MemorySpool(),
            ];
            for (const one of [database, calm]) one.refused.add(refused);
            const { pipeline, fatal } = startPipeline(
              database.open(),
              { ...OPTIONS, ...batch, writers },
              spool,
            );
            const without = startPipeline(calm.open(), { writers: 1 });
            let value = 0;
            const all: TestMessage[] = [];
            for (const { arriving, mode, milliseconds, spoolFails } of steps) {
              database.mode = mode;
              spool.fault = spoolFails ? 'failed' : null;
              for (const { device, at, times } of arriving) {
                value++;
                for (let time = 0; time < times; time++) {
                  const one = point(device, 'x', NEW_YEAR + at * SECOND, value);
                  all.push(one);
                  pipeline.receive(one);
                  without.pipeline.receive(point(device, 'x', NEW_YEAR + at * SECOND, value));
                }
              }
              for (let part = 0; part < milliseconds; part += 100) {
                await pass(Math.min(100, milliseconds - part));
                assert.equal(pipeline.state().stats.balanced, true, JSON.stringify(pipeline.state().stats));
              }
            }
            database.mode = 'up';
            spool.fault = null;
            await pass(13_000);
            const { balanced, messages, points } = pipeline.state().stats;
            assert.deepEqual(fatal, []);
            assert.deepEqual(database.stored, calm.stored);
            assert.deepEqual(
              [balanced, messages.in_flight, messages.spooled, points.spooled],
              [true, 0, 0, 0],
            );
            assert.equal(messages.received, all.length);
            assert.ok(all.every((one) => one.acks() === 1));
            assert.deepEqual(database.totals.messages.settled, messages.settled);
            const { in_flight: _flight, spooled: _spooled, ...told } = points;
            assert.deepEqual(told, database.totals.points);
          } finally {
            mock.reset();
          }
        },
      ),
      { numRuns: 50 },
    );
  });
}

test('property: killed at any step, what was acknowledged is stored, once, also without a time of its own', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(stepArbitrary, fc.boolean(), batchArbitrary), { minLength: 1, maxLength: 8 }),
      async (steps) => {
        const pass = startClock({ mock });
        try {
          const [database, spool] = [new ModelDatabase(), new MemorySpool()];
          let life = startPipeline(database.open(), OPTIONS, spool);
          const acknowledged = new Set<number>();
          let value = 0;
          for (const [{ arriving, mode, milliseconds }, kill, batch] of steps) {
            database.mode = mode;
            for (const { device } of arriving) {
              const mine = value++;
              const one = message((out) => out.number(device, 'x', Number.NaN, mine, 'gauge'));
              life.pipeline.receive({ ...one, ack: () => acknowledged.add(mine) });
            }
            await pass(milliseconds);
            assert.equal(life.pipeline.state().stats.balanced, true);
            if (!kill) continue;
            // What the old life would still do must not happen.
            const kept = [...acknowledged];
            const records = [...spool.records];
            database.mode = 'down';
            const ended = life.pipeline.drain(AbortSignal.abort());
            await pass(40);
            await ended;
            spool.records.splice(0, spool.records.length, ...records);
            spool.reopen();
            acknowledged.clear();
            for (const one of kept) acknowledged.add(one);
            life = startPipeline(
              database.open(),
              { ...OPTIONS, ...batch },
              spool,
              structuredClone(database.totals),
            );
            assert.equal(life.pipeline.state().stats.balanced, true);
          }
          database.mode = 'up';
          await pass(13_000);
          const values = [...database.stored.values()];
          assert.equal(new Set(values).size, values.length, 'once');
          for (const one of acknowledged) assert.ok(values.includes(one), `value ${one}`);
          const { balanced, messages, points } = life.pipeline.state().stats;
          assert.deepEqual([balanced, messages.spooled, messages.in_flight], [true, 0, 0]);
          assert.equal(points.stored, values.length);
          assert.deepEqual(life.fatal, []);
        } finally {
          mock.reset();
        }
      },
    ),
    { numRuns: 50 },
  );
});
