import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import type { Notice, Order } from '../../../src/workers/messages.ts';
import { Worker, type WorkerParts } from '../../../src/workers/worker.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const NEVER = new AbortController().signal;

function workerOf(duty: Partial<WorkerParts['duty']>) {
  const events = new EventEmitter();
  const told: Notice[] = [];
  const log: string[] = [];
  const worker = new Worker({
    channel: {
      send: (message) => {
        told.push(message as Notice);
        events.emit('told');
      },
      onMessage: (act) => events.on('message', act),
      onClosed: (act) => events.on('closed', act),
    },
    duty: {
      start: async () => {},
      failure: new Promise<never>(() => {}),
      stop: async () => {
        log.push('stopped');
        return true;
      },
      reload: async () => {},
      report: () => ({
        readiness: { ready: true, checks: {} },
        pipeline: null,
        hung: null,
        heard: [],
      }),
      metrics: async () => [{ name: 'one' }],
      ...duty,
    },
    logger: SILENT,
    stopped: NEVER,
    killed: NEVER,
  });
  const order = (message: Order) => events.emit('message', message);
  const answered = async (id: number) => {
    for (;;) {
      const found = told.find((notice) => notice.kind === 'answer' && notice.id === id);
      if (found !== undefined) return found;
      await new Promise((resolve) => events.once('told', resolve));
    }
  };
  return { worker, told, log, order, answered, close: () => events.emit('closed') };
}

test('it tells that it is ready, answers, and stops when it is told to', async () => {
  const { worker, told, log, order, answered } = workerOf({
    reload: () => Promise.reject(new Error('no such topic')),
  });
  const life = worker.live();
  order({ kind: 'ask', id: 1, what: 'metrics' });
  order({ kind: 'ask', id: 2, what: 'reload' });
  assert.deepEqual(await answered(1), {
    kind: 'answer',
    id: 1,
    failure: null,
    metrics: [{ name: 'one' }],
  });
  assert.deepEqual(await answered(2), { kind: 'answer', id: 2, failure: 'no such topic', metrics: [] });
  order({ kind: 'stop' });
  assert.equal(await life, true);
  assert.deepEqual(log, ['stopped']);
  assert.ok(told.some(({ kind }) => kind === 'ready'));
});

test('where the daemon vanishes it leaves at once, whatever is in hand, also while it stops', async () => {
  const running = workerOf({});
  const life = running.worker.live();
  running.close();
  assert.equal(await life, false);
  assert.deepEqual(running.log, [], 'nothing is written any more');

  const stopping = workerOf({ stop: () => new Promise(() => {}) });
  const end = stopping.worker.live();
  stopping.order({ kind: 'stop' });
  stopping.close();
  assert.equal(await end, false);
});

test('why it cannot go on is told with its code, and it stops', async () => {
  const error = new TidegateError('session_taken', 'somebody else');
  const { worker, told, log } = workerOf({ start: () => Promise.reject(error) });
  assert.equal(await worker.live(), false);
  assert.deepEqual(told, [{ kind: 'failed', code: 'session_taken', text: 'somebody else' }]);
  assert.deepEqual(log, ['stopped']);
});
