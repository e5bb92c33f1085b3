/** How long nothing was heard of the drain: what the watchdog goes by (src/systemd/progress.ts). */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MemorySpool } from '../../support/memory-spool.ts';
import { startClock } from './clock.ts';
import { NEW_YEAR, point } from './messages.ts';
import { ModelDatabase } from './model-database.ts';
import { startPipeline } from './ports.ts';

const AFTER = 5_000;

/** A disk that may stop answering. */
class StuckSpool extends MemorySpool {
  stuck: 'next' | 'consume' | null = null;

  override next(...room: Parameters<MemorySpool['next']>): ReturnType<MemorySpool['next']> {
    return this.stuck === 'next' ? new Promise(() => {}) : super.next(...room);
  }

  override consume(): Promise<void> {
    return this.stuck === 'consume' ? new Promise(() => {}) : super.consume();
  }
}

function scene(context: TestContext) {
  const pass = startClock(context);
  const [database, spool] = [new ModelDatabase(), new StuckSpool()];
  const { pipeline } = startPipeline(database.open(), { spoolAfter: AFTER }, spool);
  let sent = 0;
  return {
    database,
    spool,
    pass,
    receive: () => pipeline.receive(point('a', 'x', NEW_YEAR + ++sent, sent)),
    waits: () => pipeline.state().drainWaits,
    spooled: () => pipeline.state().stats.messages.spooled,
  };
}

test('nothing to drain, and a drain that gets on', async (context) => {
  const it = scene(context);
  it.receive();
  await it.pass(2 * AFTER);
  assert.equal(it.waits(), 0);
  it.database.mode = 'down';
  it.receive();
  await it.pass(2 * AFTER);
  assert.equal(it.spooled(), 1);
  it.database.mode = 'up';
  await it.pass(2 * AFTER);
  assert.equal(it.spooled(), 0);
  assert.equal(it.waits(), 0);
});

test('a database that is away, at once or without an answer, is tried again and again', async (context) => {
  const it = scene(context);
  for (const mode of ['down', 'hanging'] as const) {
    it.database.mode = mode;
    it.receive();
    for (let round = 0; round < 6; round++) {
      await it.pass(AFTER + 3_000);
      // A second between attempts; without an answer, what PatientSink waits.
      assert.ok(it.waits() <= (mode === 'down' ? 1 : 21), `${mode}: ${it.waits()} s`);
    }
  }
  assert.equal(it.spooled(), 2);
});

for (const stuck of ['next', 'consume'] as const) {
  test(`a disk that does not answer to ${stuck}, while live messages are stored`, async (context) => {
    const it = scene(context);
    it.database.mode = 'down';
    it.spool.stuck = stuck;
    it.receive();
    await it.pass(2 * AFTER);
    it.database.mode = 'up';
    for (let second = 0; second < 30; second++) {
      it.receive();
      await it.pass(1_000);
    }
    assert.ok(it.waits() > 20, `${it.waits()} s`);
    assert.ok(it.spool.records.length > 0);
  });
}
