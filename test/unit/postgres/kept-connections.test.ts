import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { Client } from 'pg';
import { KeptConnections } from '../../../src/postgres/kept-connections.ts';

/** Of a client, what is used here. */
class Line extends EventEmitter {
  open = true;
  readonly connection = { stream: { destroy: () => this.#close() } };

  async end(): Promise<void> {
    this.#close();
  }

  #close(): void {
    this.open = false;
    this.emit('end');
  }
}

function kept(answer: Promise<void> = Promise.resolve()) {
  const lines: Line[] = [];
  const connections = new KeptConnections(async () => {
    await answer;
    const line = new Line();
    lines.push(line);
    return line as unknown as Client;
  });
  return { lines, connections };
}

const closed = /connections to PostgreSQL are closed/;

test('one is kept for the next caller, and those at the same time have one each', async () => {
  const { lines, connections } = kept();
  await connections.use(async () => {});
  await connections.use(async () => {});
  assert.equal(lines.length, 1);
  await Promise.all([connections.use(async () => {}), connections.use(async () => {})]);
  assert.deepEqual(
    lines.map(({ open }) => open),
    [true, true],
  );
  await connections.close();
  assert.deepEqual(
    lines.map(({ open }) => open),
    [false, false],
  );
});

test('one whose work failed is cut off', async () => {
  const { lines, connections } = kept();
  await assert.rejects(
    connections.use(() => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.deepEqual([lines.length, lines[0]?.open], [1, false]);
});

test('nobody gets one after the end, and none is opened for that', async () => {
  const { lines, connections } = kept();
  await connections.close();
  await assert.rejects(
    connections.use(async () => {}),
    closed,
  );
  assert.equal(lines.length, 0);
});

test('one that was being opened at the end is cut off', async () => {
  const answer = Promise.withResolvers<void>();
  const { lines, connections } = kept(answer.promise);
  const used = connections.use(async () => assert.fail('it is closed'));
  await connections.close();
  answer.resolve();
  await assert.rejects(used, closed);
  assert.deepEqual([lines.length, lines[0]?.open], [1, false]);
});

test('at whatever step of its opening the end comes, it is cut off', async () => {
  for (let steps = 0; steps < 12; steps++) {
    const { lines, connections } = kept();
    const used = connections.use(async () => {}).catch(() => {});
    for (let step = 0; step < steps; step++) await Promise.resolve();
    await connections.close();
    await used;
    assert.ok(
      lines.every(({ open }) => !open),
      `after ${steps} steps`,
    );
  }
});

test('work that ends after the end leaves none behind', async () => {
  const { lines, connections } = kept();
  const [begun, work] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const used = connections.use(() => {
    begun.resolve();
    return work.promise;
  });
  await begun.promise;
  await connections.close();
  work.resolve();
  await used;
  assert.deepEqual([lines.length, lines[0]?.open], [1, false]);
  await assert.rejects(
    connections.use(async () => {}),
    closed,
  );
});
