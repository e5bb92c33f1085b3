import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WriteError } from '../../../src/errors.ts';
import type { Sink } from '../../../src/pipeline/types.ts';
import { message, NEW_YEAR, point, SECOND, scriptArbitrary, type TestMessage } from './messages.ts';
import { HeldSink, settle, startPipeline, storedAll } from './ports.ts';

const PRESSURE = { maxPoints: 2, maxBytes: 10_000_000, maxPause: 15_000 };

function telemetry(value: number): TestMessage {
  const payload = new Uint8Array(100);
  return message((out) => out.number('a', 'x', NEW_YEAR + value * SECOND, value, 'gauge'), {
    qos: 0,
    payload,
  });
}

test('drop_newest: QoS 0 past the bound is dropped and counted, what is in hand stays', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  const { pipeline, told } = startPipeline(sink, { pressure: PRESSURE });
  for (let value = 0; value < 2; value++) pipeline.receive(telemetry(value));
  await settle();
  assert.deepEqual(told, ['pause', 'sealed idle 2']);
  context.mock.timers.tick(15_000);
  for (let value = 2; value < 5; value++) pipeline.receive(telemetry(value));
  assert.equal(told.filter((line) => line === 'dropped qos0_overflow 1').length, 3);
  assert.equal(pipeline.state().pressure, 'full');
  sink.writes[0]?.end();
  await settle();
  sink.writes[1]?.end();
  await settle();
  const { balanced, messages, points } = pipeline.state().stats;
  assert.deepEqual([messages.received, messages.settled, messages.dropped, messages.in_flight], [5, 2, 3, 0]);
  assert.equal(points.stored, 2);
  assert.equal(balanced, true);
  assert.equal(pipeline.state().pressure, 'open');
});

test('drop_oldest: the newest QoS 0 messages wait and are taken when there is room', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  // The waiting room is an eighth of the bytes: two of these messages.
  const pressure = { ...PRESSURE, maxBytes: 8 * 900 };
  const { pipeline, told } = startPipeline(sink, { pressure, qos0: 'drop_oldest' });
  for (let value = 0; value < 2; value++) pipeline.receive(telemetry(value));
  await settle();
  context.mock.timers.tick(15_000);
  for (let value = 2; value < 7; value++) pipeline.receive(telemetry(value));
  assert.equal(told.filter((line) => line === 'dropped qos0_overflow 1').length, 3);
  assert.equal(
    pipeline.state().stats.messages.in_flight,
    7,
    'those that wait and the counts that do not commit yet',
  );
  for (let index = 0; index < 5; index++) {
    sink.writes[index]?.end();
    await settle();
  }
  const values = sink.writes.flatMap(({ batch }) => [...batch.points.value.subarray(0, batch.points.length)]);
  assert.deepEqual(values, [0, 1, 5, 6]);
  const { balanced, messages } = pipeline.state().stats;
  assert.deepEqual([messages.settled, messages.dropped, messages.in_flight, balanced], [4, 3, 0, true]);
});

test('leaves the broker past the bytes and comes back when written', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  const { pipeline, told } = startPipeline(sink, {
    pressure: { ...PRESSURE, maxPoints: 1_000, maxBytes: 5_000 },
  });
  pipeline.receive(message(() => {}, { payload: new Uint8Array(6_000) }));
  await settle();
  context.mock.timers.tick(15_000);
  assert.equal(pipeline.state().pressure, 'away');
  sink.writes[0]?.end();
  await settle();
  assert.deepEqual(told, ['pause', 'sealed idle 1', 'disconnect', 'resume', 'committed 1', 'reconnect']);
});

test('drain writes all that is in hand, those in the waiting room too', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  const { pipeline, told } = startPipeline(sink, { pressure: PRESSURE, qos0: 'drop_oldest' });
  for (let value = 0; value < 2; value++) pipeline.receive(telemetry(value));
  await settle();
  context.mock.timers.tick(15_000);
  pipeline.receive(telemetry(2));
  const drained = pipeline.drain(new AbortController().signal);
  for (let index = 0; index < 3; index++) {
    await settle();
    sink.writes[index]?.end();
  }
  assert.equal(await drained, true);
  assert.equal(pipeline.state().stats.messages.settled, 3);
  const before = told.length;
  context.mock.timers.tick(60_000);
  assert.deepEqual(told.slice(before), [], 'no timer is left');
});

test('a drain that is given up leaves the rest unacknowledged and says so', async () => {
  const sink = new HeldSink();
  const { pipeline, fatal } = startPipeline(sink);
  const first = point('a', 'x', NEW_YEAR, 1);
  pipeline.receive(first);
  await settle();
  const second = point('a', 'x', NEW_YEAR + 1, 2);
  pipeline.receive(second);
  const abort = new AbortController();
  const drained = pipeline.drain(abort.signal);
  await settle();
  abort.abort();
  assert.equal(await drained, false);
  assert.deepEqual([first.acks(), second.acks()], [0, 0]);
  assert.equal(sink.writes.length, 1);
  assert.deepEqual(fatal, [], 'it was asked for');
  assert.equal(pipeline.state().stats.messages.in_flight, 2);
});

test('a drain that is given up before it began writes nothing', async () => {
  const sink = new HeldSink();
  const { pipeline } = startPipeline(sink);
  const one = point('a', 'x', NEW_YEAR, 1);
  pipeline.receive(one);
  assert.equal(await pipeline.drain(AbortSignal.abort()), false);
  assert.deepEqual([sink.writes.length, one.acks()], [0, 0]);
});

test('property: whatever is refused on the way, every message ends in one place and is acknowledged once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(scriptArbitrary, { minLength: 1, maxLength: 15 }),
      fc.array(fc.constantFrom('retained_skipped', 'resent'), { maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 6 }),
      async (scripts, skipped, writers, maxPoints) => {
        // A constraint against the value 1, and the data of message 3 that breaks the sink.
        const sink: Sink = {
          write: (batch) => {
            const values = batch.points.value.subarray(0, batch.points.length);
            if (values.includes(1)) return Promise.reject(new WriteError('isolate', '23514', 'no'));
            if (batch.texts.value.includes('text 3')) return Promise.reject(new TypeError('a fault'));
            return Promise.resolve(storedAll(batch));
          },
        };
        const batch = { maxPoints, maxBytes: 1_000_000, maxWait: 1_000, minWait: 0, streamWait: 0 };
        const { pipeline, fatal } = startPipeline(sink, { writers, batch });
        const all = scripts.map((script) => message(script));
        for (const one of all) pipeline.receive(one);
        for (const reason of skipped) pipeline.skip(reason);
        assert.equal(await pipeline.drain(new AbortController().signal), true);
        assert.deepEqual(fatal, []);
        assert.deepEqual(new Set(all.map((one) => one.acks())), new Set([1]));
        const { balanced, messages, points } = pipeline.state().stats;
        assert.equal(balanced, true);
        assert.deepEqual([messages.in_flight, points.in_flight], [0, 0]);
        assert.equal(messages.received, all.length + skipped.length);
        assert.equal(messages.settled + messages.ignored + messages.dead_lettered, messages.received);
        assert.equal(points.stored + points.dead_lettered + points.dropped, points.decoded);
      },
    ),
    { numRuns: 60 },
  );
});
