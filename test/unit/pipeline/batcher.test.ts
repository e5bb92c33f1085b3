import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { Batcher, type BatcherOptions } from '../../../src/pipeline/batcher.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import { message, NEW_YEAR, point, scriptedDecoder, TAKE_ALL } from './messages.ts';

const LARGE = { maxPoints: 1000, maxBytes: 1_000_000, maxWait: 1000, minWait: 0, streamWait: 0 };

/** A batcher with a writer that is idle or not as the test says, and what it sealed: `trigger messages`. */
function start(
  options: Partial<BatcherOptions> = {},
  leastWait = 0,
): {
  batcher: Batcher;
  sealed: string[];
  writer: { idle: boolean };
} {
  const builder = new BatchBuilder(scriptedDecoder, new SeriesRegistry(100), TAKE_ALL, () => {});
  const writer = { idle: false };
  const sealed: string[] = [];
  const batcher = new Batcher(
    builder,
    { ...LARGE, ...options },
    () => writer.idle,
    (batch, trigger) => {
      const { ignored, dropped } = batch.apart;
      sealed.push(`${trigger} ${batch.deliveries.length + ignored + dropped}`);
    },
    () => leastWait,
  );
  return { batcher, sealed, writer };
}

const one = () => point('a', 'x', NEW_YEAR, 1);

/** Time that passes only when the test says so. */
function clock(context: TestContext): (milliseconds: number) => void {
  let now = 5_000;
  context.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  context.mock.method(performance, 'now', () => now);
  return (milliseconds) => {
    now += milliseconds;
    context.mock.timers.tick(milliseconds);
  };
}

test('seals on points', (context) => {
  clock(context);
  const { batcher, sealed } = start({ maxPoints: 3 });
  const two = message((out) => {
    out.number('a', 'x', NEW_YEAR, 1, 'gauge');
    out.text('a', 'x', NEW_YEAR, 'two', false);
  });
  assert.equal(batcher.add(two), 2);
  assert.deepEqual(sealed, []);
  batcher.add(two);
  assert.deepEqual(sealed, ['points 2'], 'the message that passes the bound is not split');
});

test('of few series it grows while no writer is free', (context) => {
  clock(context);
  const { batcher, sealed, writer } = start({ maxPoints: 200, mostPoints: 600 });
  const many = (series: number) =>
    message((out) => {
      for (let index = 0; index < 150; index++)
        out.number('a', `x${index % series}`, NEW_YEAR, index, 'gauge');
    });
  for (let index = 0; index < 3; index++) batcher.add(many(1));
  assert.deepEqual(sealed, []);
  batcher.add(many(1));
  assert.deepEqual(sealed, ['points 4']);
  batcher.add(many(150));
  batcher.add(many(150));
  assert.deepEqual(sealed, ['points 4', 'points 2'], 'of many series it does not');
  batcher.add(many(1));
  writer.idle = true;
  batcher.add(many(1));
  assert.deepEqual(sealed, ['points 4', 'points 2', 'points 2'], 'nor where a writer waits for it');
});

test('seals on bytes', (context) => {
  clock(context);
  const { batcher, sealed } = start({ maxBytes: 10_000 });
  const large = () => message(() => {}, { payload: new Uint8Array(6_000) });
  batcher.add(large());
  assert.deepEqual(sealed, []);
  batcher.add(large());
  assert.deepEqual(sealed, ['bytes 2']);
});

test('seals on time, counted from the first message of the batch, although the writer is busy', (context) => {
  const elapse = clock(context);
  const { batcher, sealed } = start();
  batcher.add(one());
  elapse(600);
  batcher.add(one());
  elapse(399);
  assert.deepEqual(sealed, []);
  elapse(1);
  assert.deepEqual(sealed, ['time 2']);
  elapse(5_000);
  assert.deepEqual(sealed, ['time 2'], 'an empty batch is not sealed');
  batcher.add(one());
  elapse(999);
  assert.equal(sealed.length, 1);
  elapse(1);
  assert.deepEqual(sealed, ['time 2', 'time 1']);
});

test('an idle writer takes all that one turn of the event loop brought', (context) => {
  const elapse = clock(context);
  const { batcher, sealed, writer } = start();
  writer.idle = true;
  batcher.add(one());
  batcher.add(one());
  assert.deepEqual(sealed, []);
  elapse(0);
  assert.deepEqual(sealed, ['idle 2']);
});

test('a writer that becomes idle takes what waits', (context) => {
  const elapse = clock(context);
  const { batcher, sealed, writer } = start();
  batcher.onWriterIdle();
  batcher.add(one());
  elapse(10);
  writer.idle = true;
  batcher.onWriterIdle();
  elapse(0);
  assert.deepEqual(sealed, ['idle 1']);
});

test('a writer that was taken meanwhile is not given a small batch', (context) => {
  const elapse = clock(context);
  const { batcher, sealed, writer } = start();
  writer.idle = true;
  batcher.add(one());
  writer.idle = false;
  elapse(0);
  assert.deepEqual(sealed, []);
  elapse(1_000);
  assert.deepEqual(sealed, ['time 1']);
});

test('min_wait keeps batches of an idle writer apart', (context) => {
  const elapse = clock(context);
  const { batcher, sealed, writer } = start({ minWait: 500 });
  writer.idle = true;
  batcher.add(one());
  elapse(0);
  assert.deepEqual(sealed, ['idle 1'], 'the first does not wait');
  elapse(100);
  batcher.add(one());
  elapse(0);
  batcher.add(one());
  elapse(399);
  assert.equal(sealed.length, 1);
  elapse(1);
  assert.deepEqual(sealed, ['idle 1', 'idle 2']);
});

test('a count without a message commits too', (context) => {
  const elapse = clock(context);
  const { batcher, sealed, writer } = start();
  writer.idle = true;
  batcher.addApart('ignored');
  batcher.addApart('dropped');
  elapse(0);
  assert.deepEqual(sealed, ['idle 2']);
});

test('flush seals what is there and nothing else; stop ends the timers', (context) => {
  const elapse = clock(context);
  const { batcher, sealed } = start();
  batcher.flush();
  assert.deepEqual(sealed, []);
  batcher.add(one());
  batcher.flush();
  assert.deepEqual(sealed, ['drain 1']);
  batcher.add(one());
  batcher.stop();
  elapse(10_000);
  assert.deepEqual(sealed, ['drain 1']);
});

test('gathers while messages keep coming, at most for as long as is asked', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({}, 100);
  writer.idle = true;
  batcher.add(one());
  pass(0);
  assert.deepEqual(sealed, ['idle 1'], 'nothing was sealed so far');
  for (let step = 0; step < 11; step++) {
    batcher.add(one());
    pass(10);
  }
  assert.deepEqual(sealed.slice(1), ['idle 10'], 'after 100 ms, with what came by then');
});

test('gathers no longer than anything comes: the broker may wait for its acknowledgements', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({}, 1_000);
  writer.idle = true;
  batcher.add(one());
  pass(0);
  for (let count = 0; count < 20; count++) batcher.add(one());
  pass(0);
  pass(24);
  assert.deepEqual(sealed, ['idle 1']);
  pass(1);
  assert.deepEqual(sealed, ['idle 1', 'idle 20']);
});

test('a stream is gathered for 20 ms, what comes steadily for 8; messages that come one by one are not waited for', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({ streamWait: 20 });
  writer.idle = true;
  batcher.add(one());
  pass(0);
  assert.deepEqual(sealed, ['idle 1'], 'the first batch');
  for (let step = 0; step < 20; step++) {
    for (let count = 0; count < 5; count++) batcher.add(one());
    pass(1);
  }
  pass(0);
  assert.deepEqual(sealed, ['idle 1', 'idle 100']);
  for (let step = 0; step < 8; step++) {
    batcher.add(one());
    pass(0);
    assert.equal(sealed.length, 2);
    pass(1);
  }
  assert.deepEqual(sealed, ['idle 1', 'idle 100', 'idle 8'], 'one in a millisecond is no stream');
  pass(8);
  batcher.add(one());
  pass(0);
  pass(1);
  assert.deepEqual(sealed.slice(3), ['idle 1'], 'so long after the last batch it is alone');
});

test('a broker that waits for its acknowledgements is soon not waited for', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({ streamWait: 20 });
  writer.idle = true;
  const window = (): void => {
    for (let count = 0; count < 20; count++) batcher.add(one());
  };
  window();
  pass(0);
  window();
  pass(0);
  assert.equal(sealed.length, 1, 'it may be a stream');
  pass(8);
  assert.equal(sealed.length, 2);
  for (let batch = 3; batch <= 18; batch++) {
    window();
    pass(0);
    assert.equal(sealed.length, batch);
  }
  window();
  pass(0);
  assert.equal(sealed.length, 18, 'and tried again');
});

test('a pause of a millisecond in what comes steadily is no such broker', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({ streamWait: 20 });
  writer.idle = true;
  batcher.add(one());
  pass(0);
  for (let batch = 2; batch <= 40; batch++) {
    // Every second one is written for so long that there is little to wait for.
    const busy = batch % 2 === 0 ? 7 : 5;
    writer.idle = false;
    for (let step = 0; step < busy; step++) {
      pass(1);
      batcher.add(one());
    }
    writer.idle = true;
    batcher.onWriterIdle();
    pass(0);
    assert.equal(sealed.length, batch - 1, 'it is waited for');
    if (busy === 5) {
      pass(2);
      batcher.add(one());
    }
    pass(1);
    assert.equal(sealed.length, batch);
  }
});

test('messages that come one by one, each after the acknowledgement of the one before, are soon not waited for', (context) => {
  const pass = clock(context);
  const { batcher, sealed, writer } = start({ streamWait: 20 });
  writer.idle = true;
  batcher.add(one());
  pass(0);
  let waited = 0;
  for (let batch = 2; batch <= 40; batch++) {
    pass(2);
    batcher.add(one());
    pass(0);
    if (sealed.length === batch) continue;
    pass(6);
    waited++;
    assert.equal(sealed.length, batch);
  }
  assert.equal(waited, 6);
});
