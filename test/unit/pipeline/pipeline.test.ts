import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import type { Batch, PointWriter, Sink } from '../../../src/pipeline/types.ts';
import { message, NEW_YEAR, point, SECOND, type TestMessage } from './messages.ts';
import { HeldSink, settle, startPipeline, storedAll } from './ports.ts';

const never = () => new AbortController().signal;

function some(count: number): TestMessage[] {
  return Array.from({ length: count }, (_, index) => point('a', 'x', NEW_YEAR + index * SECOND, index));
}

/** Refuses batches that hold one of these values, as a constraint would. */
function refusing(...values: number[]): Sink {
  return {
    write: (batch) => {
      const { length, value } = batch.points;
      const bad = value.subarray(0, length).some((one) => values.includes(one));
      return bad
        ? Promise.reject(new WriteError('isolate', '23514', 'violates check constraint "positive"'))
        : Promise.resolve(storedAll(batch));
    },
  };
}

test('acknowledges after the write resolved and not before', async () => {
  const sink = new HeldSink();
  const { pipeline, told } = startPipeline(sink);
  const all = some(3);
  for (const one of all) pipeline.receive(one);
  await settle();
  assert.equal(sink.writes.length, 1);
  assert.deepEqual(
    all.map((one) => one.acks()),
    [0, 0, 0],
  );
  assert.equal(pipeline.state().stats.messages.in_flight, 3);
  assert.equal(pipeline.state().oldestInFlightAt, NEW_YEAR);
  assert.equal(pipeline.state().lastCommitAt, null);
  sink.writes[0]?.end();
  await settle();
  assert.deepEqual(
    all.map((one) => one.acks()),
    [1, 1, 1],
  );
  assert.deepEqual(told, ['sealed idle 3', 'committed 3']);
  const { stats, queue, oldestInFlightAt, lastCommitAt } = pipeline.state();
  assert.deepEqual([stats.balanced, stats.messages.in_flight, stats.points.stored], [true, 0, 3]);
  assert.deepEqual(queue, { points: 0, bytes: 0, batches: 0 });
  assert.equal(oldestInFlightAt, null);
  assert.ok(lastCommitAt !== null);
});

test('acknowledges in the order of arrival, batch after batch', async () => {
  const sink = new HeldSink();
  const { pipeline } = startPipeline(sink);
  const order: number[] = [];
  for (const [index, one] of some(6).entries()) {
    pipeline.receive({ ...one, ack: () => order.push(index) });
    if (index % 2 === 1) await settle();
  }
  for (let index = 0; index < sink.writes.length; index++) {
    sink.writes[index]?.end();
    await settle();
  }
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
  assert.equal(sink.writes.length, 2, 'what came during the first write shares the second');
});

test('two writers write side by side what shares no key, and in order what does', async () => {
  const sink = new HeldSink();
  const { pipeline } = startPipeline(sink, { writers: 2 });
  pipeline.receive(point('a', 'x', NEW_YEAR, 1));
  await settle();
  pipeline.receive(point('a', 'x', NEW_YEAR, 2));
  await settle();
  assert.equal(sink.writes.length, 1);
  sink.writes[0]?.end();
  await settle();
  assert.equal(sink.writes.length, 2);
  pipeline.receive(point('a', 'x', NEW_YEAR + 1, 2));
  await settle();
  assert.equal(sink.writes.length, 3);
});

test('a failure that may pass is repeated, and acknowledged once', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  const { pipeline, told } = startPipeline(sink);
  const [one] = some(1) as [TestMessage];
  pipeline.receive(one);
  await settle();
  sink.writes[0]?.fail(new WriteError('retry', '57P01', 'terminating'));
  await settle();
  context.mock.timers.tick(100);
  await settle();
  assert.equal(sink.writes[1]?.batch, sink.writes[0]?.batch, 'the same batch under the same id');
  assert.equal(one.acks(), 0);
  sink.writes[1]?.end();
  await settle();
  assert.equal(one.acks(), 1);
  assert.deepEqual(told, ['sealed idle 1', 'failed retry 1 again', 'committed 1']);
});

test('the memory of a payload is given back after its acknowledgement, where no attempt that failed may be reading it', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sink = new HeldSink();
  const { pipeline } = startPipeline(sink);
  const told: string[] = [];
  const sent = ['failed once', 'taken at once'].map((name, index) => {
    const script = (out: PointWriter) => out.number('a', name, NEW_YEAR + index * SECOND, index, 'gauge');
    const one = message(script, { recycle: () => void told.push(`${name}, acknowledged ${one.acks()}`) });
    return one;
  });
  for (const [index, one] of sent.entries()) {
    pipeline.receive(one);
    await settle();
    if (index === 0) sink.writes[0]?.fail(new WriteError('retry', '57P01', 'terminating'));
    await settle();
    context.mock.timers.tick(100);
    await settle();
    sink.writes.at(-1)?.end();
    await settle();
  }
  assert.deepEqual(
    sent.map((one) => one.acks()),
    [1, 1],
  );
  assert.deepEqual(told, ['taken at once, acknowledged 1']);
});

test('isolate halves the batch down to the culprit and sets it alone apart', async () => {
  const { pipeline, fatal } = startPipeline(refusing(5));
  const order: number[] = [];
  for (const [index, one] of some(9).entries()) pipeline.receive({ ...one, ack: () => order.push(index) });
  await settle();
  assert.equal(await pipeline.drain(never()), true);
  const { balanced, messages, points } = pipeline.state().stats;
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([messages.settled, messages.dead_lettered, messages.in_flight], [8, 1, 0]);
  assert.deepEqual([points.decoded, points.stored, points.dead_lettered], [9, 8, 1]);
  assert.equal(balanced, true);
  assert.deepEqual(fatal, []);
});

test('the dead letter of a culprit says what PostgreSQL said; a fault of ours is named so', async () => {
  const written: Batch[] = [];
  const sink: Sink = {
    write: (batch) => {
      if (batch.points.value[0] === 1 && batch.points.length === 1)
        return Promise.reject(new WriteError('isolate', '23514', 'violates'));
      if (batch.points.value[0] === 2 && batch.points.length === 1)
        return Promise.reject(new RangeError('out of range'));
      if (batch.points.length > 1) return Promise.reject(new WriteError('isolate', '23514', 'violates'));
      written.push(batch);
      return Promise.resolve(storedAll(batch));
    },
  };
  const { pipeline, told } = startPipeline(sink);
  for (const one of some(3)) pipeline.receive(one);
  await settle();
  assert.deepEqual(
    written.flatMap(({ deadLetters }) =>
      deadLetters.map(({ code, detail, points }) => [code, detail, points]),
    ),
    [
      ['database_rejected', '23514: violates', 1],
      ['internal', 'out of range', 1],
    ],
  );
  assert.deepEqual(told.filter((line) => line.startsWith('dead')).sort(), [
    'dead database_rejected 1',
    'dead internal 1',
  ]);
});

test('counts of messages left aside are halved with nobody: they commit once', async () => {
  const { pipeline } = startPipeline(refusing(1, 2));
  for (const one of some(4)) pipeline.receive(one);
  pipeline.skip('retained_skipped');
  pipeline.skip('resent');
  assert.equal(await pipeline.drain(never()), true);
  const { balanced, messages } = pipeline.state().stats;
  assert.equal(balanced, true);
  assert.deepEqual([messages.received, messages.ignored, messages.in_flight], [6, 2, 0]);
});

test('what fails without a point left is no fault of the data: it ends the daemon', async () => {
  const sink: Sink = { write: () => Promise.reject(new WriteError('isolate', '23514', 'no')) };
  const { pipeline, fatal } = startPipeline(sink);
  const all = some(2);
  for (const one of all) pipeline.receive(one);
  await settle();
  assert.equal(fatal.length, 1);
  assert.deepEqual(
    all.map((one) => one.acks()),
    [0, 0],
  );
});

test('stop ends the daemon once; nothing after it is written or acknowledged', async () => {
  const sink = new HeldSink();
  const { pipeline, fatal } = startPipeline(sink, { writers: 2 });
  const all = Array.from({ length: 4 }, (_, index) => point(`device ${index}`, 'x', NEW_YEAR, index));
  for (const one of all) {
    pipeline.receive(one);
    await settle();
  }
  assert.equal(sink.writes.length, 2);
  const stop = new WriteError('stop', '42P01', 'relation does not exist');
  sink.writes[0]?.fail(stop);
  sink.writes[1]?.fail(new WriteError('stop', '42501', 'permission denied'));
  await settle();
  assert.deepEqual(fatal, [stop]);
  assert.equal(sink.writes.length, 2, 'what waited is not written any more');
  assert.equal(await pipeline.drain(never()), false);
  assert.deepEqual(
    all.map((one) => one.acks()),
    [0, 0, 0, 0],
  );
  assert.deepEqual([pipeline.state().stats.messages.in_flight, pipeline.state().stats.balanced], [4, true]);
});

test('what the sink itself sets apart is told', async () => {
  const sink: Sink = {
    write: (batch) => {
      const report = storedAll(batch);
      const refused = { messageIndex: 0, route: null, code: 'series_limit', detail: '', points: 1 } as const;
      return Promise.resolve({ ...report, refused: [refused], unchanged: 2 });
    },
  };
  const { pipeline, told } = startPipeline(sink);
  pipeline.receive(message((out) => out.reject('value_missing', 'no')));
  await settle();
  assert.deepEqual(told.slice(2), [
    'dead value_missing 1',
    'dead series_limit 1',
    'dropped text_unchanged 2',
  ]);
});
