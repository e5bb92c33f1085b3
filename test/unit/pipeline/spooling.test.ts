import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WriteError } from '../../../src/errors.ts';
import { emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import type { PipelineOptions } from '../../../src/pipeline/pipeline.ts';
import type { Sink } from '../../../src/pipeline/types.ts';
import { MemorySpool } from '../../support/memory-spool.ts';
import { startClock } from './clock.ts';
import { message, NEW_YEAR, point, SECOND, type TestMessage } from './messages.ts';
import { ModelDatabase } from './model-database.ts';
import { type Started, startPipeline } from './ports.ts';

const never = () => new AbortController().signal;
const AFTER = 5_000;

interface Scene extends Started {
  readonly database: ModelDatabase;
  readonly spool: MemorySpool;
  readonly pass: (milliseconds: number) => Promise<void>;
}

function scene(context: TestContext, options: Partial<PipelineOptions> = {}): Scene {
  const pass = startClock(context);
  const [database, spool] = [new ModelDatabase(), new MemorySpool()];
  const started = startPipeline(database.open(), { spoolAfter: AFTER, ...options }, spool);
  return { database, spool, pass, ...started };
}

/** Of one device, a second apart. */
function some(count: number, device = 'a', from = 0): TestMessage[] {
  return Array.from({ length: count }, (_, index) =>
    point(device, 'x', NEW_YEAR + (from + index) * SECOND, from + index),
  );
}

const acks = (all: readonly TestMessage[]) => all.map((one) => one.acks());

function assertAllStored({ pipeline, database, fatal }: Scene, points: number): void {
  const { balanced, messages, points: counts } = pipeline.state().stats;
  assert.equal(database.stored.size, points);
  assert.deepEqual([messages.in_flight, messages.spooled, counts.in_flight, counts.spooled], [0, 0, 0, 0]);
  assert.equal(counts.stored, points);
  assert.equal(balanced, true);
  assert.deepEqual(fatal, []);
}

test('what the database does not take in time goes to the spool, and is acknowledged then', async (context) => {
  const it = scene(context);
  it.database.mode = 'down';
  const all = some(3);
  for (const one of all) it.pipeline.receive(one);
  await it.pass(AFTER - 100);
  assert.deepEqual(acks(all), [0, 0, 0]);
  assert.equal(it.spool.records.length, 0);
  await it.pass(200);
  assert.deepEqual(acks(all), [1, 1, 1]);
  const { stats, spool, oldestInFlightAt } = it.pipeline.state();
  assert.deepEqual([stats.messages.spooled, stats.points.spooled, stats.messages.in_flight], [3, 3, 0]);
  assert.equal(stats.balanced, true);
  assert.deepEqual([spool?.batches, spool?.messages, spool?.fault], [1, 3, null]);
  assert.equal(oldestInFlightAt, null);
  it.database.mode = 'up';
  await it.pass(1_500);
  assertAllStored(it, 3);
  assert.deepEqual(acks(all), [1, 1, 1], 'once');
  assert.equal(it.pipeline.state().spool?.batches, 0);
});

test('while the database is away batches go straight to the spool, gathered for a moment', async (context) => {
  const it = scene(context);
  it.database.mode = 'down';
  it.pipeline.receive(point('a', 'x', NEW_YEAR, 0));
  await it.pass(AFTER + 100);
  const tried = it.database.tried.length;
  const all = some(10, 'b');
  for (const one of all) {
    it.pipeline.receive(one);
    await it.pass(10);
  }
  await it.pass(100);
  assert.deepEqual(
    acks(all),
    all.map(() => 1),
  );
  assert.ok(it.spool.records.length < 8, `${it.spool.records.length} records`);
  assert.ok(
    it.database.tried.slice(tried).every(({ records }) => records.length > 0),
    'only the drain tries',
  );
  it.database.mode = 'up';
  await it.pass(1_500);
  const live = point('c', 'x', NEW_YEAR, 0);
  it.pipeline.receive(live);
  await it.pass(100);
  assert.equal(it.database.tried.at(-1)?.records.length, 0, 'and then the database is tried again');
  assertAllStored(it, 12);
});

test('small records are written as many at a time as make a batch', async (context) => {
  const it = scene(context, {
    batch: { maxPoints: 20, maxBytes: 1_000_000, maxWait: 1_000, minWait: 0, streamWait: 0 },
  });
  await spooledOneByOne(it, 50);
  const tried = it.database.tried.length;
  it.database.mode = 'up';
  await it.pass(1_500);
  const written = it.database.tried.slice(tried).map(({ deliveries }) => deliveries.length);
  // The first was in the drain's hand.
  assert.deepEqual(written, [1, 20, 20, 9]);
  assertAllStored(it, 50);
});

test('a culprit among records that are written together stands alone in the end; the others are stored', async (context) => {
  const it = scene(context);
  it.database.refused.add(13);
  await spooledOneByOne(it, 40);
  it.database.mode = 'up';
  await it.pass(1_500);
  const { balanced, messages, points } = it.pipeline.state().stats;
  assert.deepEqual([balanced, messages.settled, messages.dead_lettered, points.stored], [true, 39, 1, 39]);
  assert.equal(it.database.stored.size, 39);
});

test('killed after records were written together: the next life, with more of them at once, stores none again', async (context) => {
  const batch = { maxPoints: 3, maxBytes: 1_000_000, maxWait: 1_000, minWait: 0, streamWait: 0 };
  const it = scene(context, { batch });
  await spooledOneByOne(it, 8);
  const consume = it.spool.consume.bind(it.spool);
  it.spool.consume = () => (it.database.stored.size < 4 ? consume() : new Promise<void>(() => {}));
  it.database.mode = 'up';
  await it.pass(1_500);
  assert.deepEqual(
    [it.database.stored.size, it.spool.records.length],
    [4, 7],
    'three are committed and there',
  );
  await killed(it);
  it.spool.consume = consume;
  const next = startPipeline(it.database.open(), {}, it.spool, structuredClone(it.database.totals));
  await it.pass(1_500);
  const { balanced, messages, points } = next.pipeline.state().stats;
  assert.deepEqual([balanced, messages.spooled, messages.settled, points.stored], [true, 0, 8, 8]);
  assert.equal(it.database.stored.size, 8);
});

test('a connection that hangs is given up', async (context) => {
  const it = scene(context);
  it.database.mode = 'hanging';
  const all = some(2);
  for (const one of all) it.pipeline.receive(one);
  await it.pass(AFTER + 100);
  assert.deepEqual(acks(all), [1, 1]);
  assert.ok(it.told.includes('failed retry 1 last'), 'and said so');
  it.database.mode = 'up';
  await it.pass(12_000);
  assertAllStored(it, 2);
});

for (const mode of ['lost', 'lost in silence'] as const) {
  test(`a COMMIT in doubt (${mode}) that goes to the spool is stored once, without a time of its own too`, async (context) => {
    const it = scene(context);
    it.database.mode = mode;
    it.pipeline.receive(message((out) => out.number('a', 'x', Number.NaN, 1, 'gauge')));
    await it.pass(20);
    assert.equal(it.database.stored.size, 1);
    it.database.mode = 'down';
    await it.pass(AFTER + 100);
    assert.equal(it.spool.records.length, 1);
    it.database.mode = 'up';
    await it.pass(1_500);
    assertAllStored(it, 1);
  });
}

test('a batch that may share a key with the spool goes behind it; others do not', async (context) => {
  const it = scene(context);
  const gate = Promise.withResolvers<void>();
  const next = it.spool.next.bind(it.spool);
  let given = 0;
  it.spool.next = async () => {
    if (++given > 1) await gate.promise;
    return await next();
  };
  it.database.mode = 'down';
  for (const one of some(3)) it.pipeline.receive(one);
  await it.pass(AFTER + 100);
  it.pipeline.receive(point('a', 'x', NEW_YEAR + 5 * SECOND, 5));
  it.pipeline.receive(point('a', 'x', NEW_YEAR + 9 * SECOND, 9));
  it.pipeline.receive(message((out) => out.text('a', 'state', NEW_YEAR + 9 * SECOND, 'on', true)));
  await it.pass(100);
  it.database.mode = 'up';
  await it.pass(1_500);
  assert.equal(
    it.spool.records.length,
    1,
    'the drain has written the first record, and the database counts as there',
  );
  const wentTo = async (one: TestMessage) => {
    const before = it.spool.records.length;
    it.pipeline.receive(one);
    await it.pass(100);
    assert.equal(one.acks(), 1);
    return it.spool.records.length > before ? 'spool' : 'database';
  };
  assert.equal(await wentTo(point('a', 'x', NEW_YEAR + 10 * SECOND, 1)), 'database');
  assert.equal(await wentTo(point('a', 'y', NEW_YEAR + 7 * SECOND, 1)), 'database');
  assert.equal(
    await wentTo(point('a', 'x', NEW_YEAR + 7 * SECOND, 1)),
    'spool',
    'within the span of the series',
  );
  const text = message((out) => out.text('a', 'state', NEW_YEAR + 99 * SECOND, 'off', true));
  assert.equal(await wentTo(text), 'spool', 'a text claims all time');
  gate.resolve();
  await it.pass(200);
  assert.equal(it.spool.records.length, 0);
  assert.equal(
    await wentTo(point('a', 'x', NEW_YEAR + 8 * SECOND, 1)),
    'database',
    'nothing is claimed any more',
  );
  assert.equal(it.pipeline.state().stats.balanced, true);
});

test('of two values under one key the first to arrive is the first to be written', async (context) => {
  const it = scene(context, { writers: 2 });
  it.database.mode = 'down';
  it.pipeline.receive(point('a', 'x', NEW_YEAR, 1));
  await it.pass(AFTER - 1_000);
  it.pipeline.receive(point('a', 'x', NEW_YEAR, 2));
  it.pipeline.receive(point('b', 'x', NEW_YEAR, 3));
  await it.pass(1_200);
  it.database.mode = 'up';
  it.pipeline.receive(point('a', 'x', NEW_YEAR, 4));
  await it.pass(3_000);
  assert.equal(it.database.stored.get(`a x ${NEW_YEAR}`), 1);
  const { balanced, points } = it.pipeline.state().stats;
  assert.deepEqual([balanced, points.stored, points.conflict, points.spooled], [true, 2, 2, 0]);
});

test('a refused row inside the spool: found by halves, set apart, the others are stored', async (context) => {
  const it = scene(context);
  it.database.refused.add(4);
  it.database.mode = 'down';
  for (const one of some(9)) it.pipeline.receive(one);
  await it.pass(AFTER + 100);
  it.database.mode = 'up';
  await it.pass(1_500);
  assert.equal(it.database.stored.size, 8);
  const { balanced, messages, points } = it.pipeline.state().stats;
  assert.deepEqual([messages.settled, messages.dead_lettered, messages.spooled], [8, 1, 0]);
  assert.deepEqual([points.stored, points.dead_lettered, points.spooled, balanced], [8, 1, 0, true]);
  assert.ok(it.told.includes('dead database_rejected 1'));
});

test('an outage in the middle of a search for the culprit: what is left goes to the spool', async (context) => {
  const it = scene(context);
  it.database.refused.add(7);
  const written = it.database.open();
  let writes = 0;
  const sink: Sink = {
    write: async (batch, signal) => {
      if (++writes === 4) it.database.mode = 'down';
      return await written.write(batch, signal);
    },
  };
  const { pipeline } = startPipeline(sink, { spoolAfter: AFTER }, it.spool);
  for (const one of some(9)) pipeline.receive(one);
  await it.pass(AFTER + 100);
  assert.ok(it.database.stored.size > 0 && it.database.stored.size < 8);
  assert.ok(it.spool.records.length > 0);
  it.database.mode = 'up';
  await it.pass(3_000);
  assert.equal(it.database.stored.size, 8);
  const { balanced, messages } = pipeline.state().stats;
  assert.deepEqual([balanced, messages.settled, messages.dead_lettered], [true, 8, 1]);
});

test('a spool that is full holds the acknowledgements back until it has room, or the database takes the batch', async (context) => {
  const it = scene(context);
  it.spool.capacity = 3;
  it.database.mode = 'down';
  const [first, second] = [some(3), some(3, 'b')];
  for (const one of first) it.pipeline.receive(one);
  await it.pass(AFTER + 100);
  for (const one of second) it.pipeline.receive(one);
  await it.pass(3_000);
  assert.deepEqual(acks(second), [0, 0, 0]);
  assert.ok(it.told.includes('spool full'));
  assert.equal(it.pipeline.state().spool?.fault, 'no room');
  it.database.mode = 'up';
  await it.pass(3_000);
  assert.deepEqual(acks(second), [1, 1, 1]);
  assertAllStored(it, 6);
});

test('a spool whose disk fails: the database and the spool are tried in turn', async (context) => {
  const it = scene(context);
  it.spool.fault = 'failed';
  it.database.mode = 'down';
  const all = some(3);
  for (const one of all) it.pipeline.receive(one);
  await it.pass(AFTER + 3_000);
  assert.deepEqual(acks(all), [0, 0, 0]);
  it.database.mode = 'up';
  await it.pass(3_000);
  assert.deepEqual(acks(all), [1, 1, 1]);
  assertAllStored(it, 3);
  it.pipeline.receive(point('a', 'x', NEW_YEAR + 10 * SECOND, 1));
  await it.pass(100);
  assert.equal(it.database.tried.at(-1)?.records.length, 0);
  assertAllStored(it, 4);
});

test('drop_oldest: what goes is counted as dropped, once', async (context) => {
  const it = scene(context);
  it.spool.capacity = 4;
  it.spool.onFull = 'drop_oldest';
  it.database.mode = 'down';
  for (let round = 0; round < 6; round++) {
    for (const one of some(2, `device ${round}`)) it.pipeline.receive(one);
    it.pipeline.skip('retained_skipped');
    await it.pass(round === 0 ? AFTER + 100 : 200);
    assert.equal(it.pipeline.state().stats.balanced, true, `round ${round}`);
  }
  const before = it.pipeline.state().stats;
  assert.equal(before.messages.dropped, 8);
  assert.equal(before.messages.spooled, 4 + 6);
  it.database.mode = 'up';
  await it.pass(3_000);
  const { balanced, messages, points } = it.pipeline.state().stats;
  assert.equal(balanced, true);
  assert.deepEqual(
    [messages.received, messages.settled, messages.ignored, messages.dropped, messages.spooled],
    [18, 4, 6, 8, 0],
  );
  assert.deepEqual([points.decoded, points.stored, points.dropped], [12, 4, 8]);
  assert.deepEqual(it.database.totals.messages, { settled: 4, ignored: 6, dead_lettered: 0, dropped: 8 });
  assert.ok(it.told.includes('dropped spool_overflow 2'));
});

test('a record that is found damaged: its messages are counted as dropped, once, here and in the database', async (context) => {
  const it = scene(context);
  it.database.mode = 'down';
  for (let round = 0; round < 3; round++) {
    for (const one of some(2, `device ${round}`)) it.pipeline.receive(one);
    it.pipeline.skip('retained_skipped');
    await it.pass(round === 0 ? AFTER + 100 : 200);
  }
  const held = it.pipeline.state().stats.messages.spooled;
  // The first is in the drain's hand already.
  it.spool.damage(1);
  it.database.mode = 'up';
  await it.pass(3_000);
  const { stats, untold } = it.pipeline.state();
  assert.equal(stats.balanced, true);
  assert.equal(held, stats.messages.received);
  assert.deepEqual([stats.messages.spooled, stats.points.spooled], [0, 0]);
  assert.equal(stats.messages.dropped, 2);
  assert.equal(stats.points.dropped, 2);
  assert.deepEqual(untold, { messages: 0, points: 0 });
  assert.equal(it.database.totals.messages.dropped, 2);
  assert.equal(it.database.totals.messages.ignored, stats.messages.ignored);
  assert.ok(it.told.includes('dropped spool_damaged 2'));
});

test('leaving: what the database takes is written, the rest goes to the spool at once', async (context) => {
  const it = scene(context);
  for (const one of some(3)) it.pipeline.receive(one);
  await it.pass(20);
  it.database.mode = 'down';
  const all = some(3, 'b');
  for (const one of all) it.pipeline.receive(one);
  const drained = it.pipeline.drain(never());
  await it.pass(500);
  assert.equal(await drained, true);
  assert.deepEqual(acks(all), [1, 1, 1]);
  assert.deepEqual([it.database.stored.size, it.spool.records.length], [3, 1]);
});

test('leaving while the database hangs: to the spool after a moment; leaving is given up where nothing takes it', async (context) => {
  const it = scene(context);
  it.database.mode = 'hanging';
  const all = some(3);
  for (const one of all) it.pipeline.receive(one);
  await it.pass(20);
  const drained = it.pipeline.drain(never());
  await it.pass(1_200);
  assert.equal(await drained, true);
  assert.deepEqual(acks(all), [1, 1, 1]);

  const stuck = new MemorySpool();
  stuck.fault = 'failed';
  const other = startPipeline(it.database.open(), {}, stuck);
  other.pipeline.receive(point('a', 'x', NEW_YEAR, 1));
  await it.pass(20);
  const abort = new AbortController();
  const given = other.pipeline.drain(abort.signal);
  await it.pass(3_000);
  abort.abort();
  await it.pass(20);
  assert.equal(await given, false);
});

test('what an earlier life left is drained first, and what it committed is not stored or counted twice', async (context) => {
  const it = scene(context);
  it.database.mode = 'lost';
  it.pipeline.receive(message((out) => out.number('a', 'x', Number.NaN, 1, 'gauge')));
  await it.pass(20);
  it.database.mode = 'down';
  await it.pass(AFTER + 100);
  it.pipeline.receive(message((out) => out.number('b', 'x', Number.NaN, 2, 'gauge')));
  await it.pass(100);
  assert.equal(it.spool.records.length, 2);
  // Killed here; the row of the first is there.
  await killed(it);
  it.database.mode = 'up';
  const next = startPipeline(it.database.open(), {}, it.spool, it.database.totals);
  const begun = next.pipeline.state().stats;
  assert.deepEqual([begun.balanced, begun.messages.received, begun.messages.spooled], [true, 3, 2]);
  assert.equal(next.pipeline.heldRows.earlier, true);
  await it.pass(1_000);
  const { balanced, messages, points } = next.pipeline.state().stats;
  assert.deepEqual([balanced, messages.received, messages.settled, messages.spooled], [true, 2, 2, 0]);
  assert.deepEqual([points.decoded, points.stored], [2, 2]);
  assert.equal(it.database.stored.size, 2);
  assert.deepEqual(next.pipeline.heldRows, { records: new Set(), earlier: false });
});

test('killed between two halves of a record: the halves are found again, although the whole would be taken now', async (context) => {
  const it = scene(context);
  it.database.refused.add(3);
  it.database.mode = 'down';
  for (let value = 0; value < 4; value++) {
    it.pipeline.receive(message((out) => out.number('a', 'x', Number.NaN, value, 'gauge')));
  }
  await it.pass(AFTER + 100);
  const written = it.database.open();
  const sink: Sink = {
    // The first half is committed; then nothing comes back.
    write: async (batch, signal) => {
      if (batch.deliveries.length === 1) it.database.mode = 'hanging';
      return await written.write(batch, signal);
    },
  };
  it.database.mode = 'hanging';
  await killed(it);
  it.database.mode = 'up';
  const between = startPipeline(sink, {}, it.spool);
  await it.pass(1_000);
  assert.equal(it.database.stored.size, 2);
  await killed({ ...it, pipeline: between.pipeline });
  it.database.mode = 'up';
  it.database.refused.clear();
  const last = startPipeline(it.database.open(), {}, it.spool, it.database.totals);
  await it.pass(1_000);
  assert.equal(it.database.stored.size, 4);
  const { balanced, messages, points } = last.pipeline.state().stats;
  assert.deepEqual([balanced, messages.received, messages.settled, points.stored], [true, 4, 4, 4]);
});

test('routes that changed in between: decoded by those of today, and the account follows', async (context) => {
  const it = scene(context);
  it.database.mode = 'down';
  let points = 1;
  it.pipeline.receive(
    message((out) => {
      for (let index = 0; index < points; index++) out.number('a', `m${index}`, NEW_YEAR, index, 'gauge');
    }),
  );
  await it.pass(AFTER - 100);
  points = 3;
  await it.pass(200);
  it.database.mode = 'up';
  await it.pass(1_500);
  assertAllStored(it, 3);
  assert.equal(it.pipeline.state().stats.points.decoded, 3);
});

test('an epoch in the spool is made known, in its turn', async (context) => {
  const pass = startClock(context);
  const spool = new MemorySpool();
  const apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
  await spool.append({ id: 'e', epoch: 7, messages: [], decoded: 0, apart });
  const { told, pipeline } = startPipeline(new ModelDatabase().open(), {}, spool);
  await pass(100);
  assert.deepEqual(told, ['epoch 7']);
  assert.equal(spool.records.length, 0);
  assert.deepEqual(pipeline.state().stats.messages.received, 0);
});

test('stop ends the daemon also where the drain meets it', async (context) => {
  const pass = startClock(context);
  const spool = new MemorySpool();
  const apart = { ignored: 1, dropped: 0, droppedPoints: 0 };
  await spool.append({ id: 's', epoch: null, messages: [], decoded: 0, apart });
  const stop = new WriteError('stop', '42P01', 'relation does not exist');
  const { fatal } = startPipeline({ write: () => Promise.reject(stop) }, {}, spool, emptyTotals());
  await pass(100);
  assert.deepEqual(fatal, [stop]);
  assert.equal(spool.records.length, 1);
});

/** As many records of one message without a time; the first of them is in the hand of the drain. */
async function spooledOneByOne({ pipeline, database, spool, pass }: Scene, count: number): Promise<void> {
  database.mode = 'down';
  for (let value = 0; value < count; value++) {
    pipeline.receive(message((out) => out.number('a', 'x', Number.NaN, value, 'gauge')));
    await pass(value === 0 ? AFTER + 100 : 100);
  }
  assert.equal(spool.records.length, count);
}

/** Ends a pipeline as a SIGKILL would: nothing it does afterwards counts. */
async function killed({
  pipeline,
  spool,
  pass,
  database,
}: Pick<Scene, 'pipeline' | 'spool' | 'pass' | 'database'>) {
  const { mode } = database;
  database.mode = 'down';
  const records = [...spool.records];
  const ended = pipeline.drain(AbortSignal.abort());
  await pass(100);
  await ended;
  spool.records.splice(0, spool.records.length, ...records);
  spool.reopen();
  database.mode = mode;
}
