import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { MetricRows } from '../../../src/http/ports.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { httpOptions } from '../../support/http-ports.ts';

/** Milliseconds. */
const STALL = 100;
const PATH = '/api/devices/d/metrics?metric_name=x&granularity=raw&start_time=2026-01-01&end_time=2026-01-02';
/** More than is sent in one piece. */
const ROWS: MetricRows = {
  device: 'd',
  metric: 'x',
  text: false,
  times: new Float64Array(10_000),
  values: new Float64Array(10_000),
  empty: null,
};

/** Answers every question of points with these rows. */
async function serve(rows: () => AsyncIterable<MetricRows>) {
  const metrics = { ask: async () => ({ granularity: 'raw', rows: rows(), next: () => null }) };
  const server = await createHttpServer({
    ...httpOptions({ ports: { metrics } }),
    stallTimeout: STALL,
    port: 0,
    allowAnonymous: false,
  });
  const { url } = await server.listen();
  return { url, [Symbol.asyncDispose]: () => server.close() };
}

test('a client that takes nothing of its answer is cut off, and what makes the answer ends', async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await serve(async function* () {
    try {
      for (;;) yield ROWS;
    } finally {
      ended.resolve();
    }
  });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  // Nobody listens to its data, so it reads none.
  socket.write(`GET ${PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await ended.promise;
  socket.destroy();
});

test('an answer that takes long to be made is waited for', async () => {
  await using server = await serve(async function* () {
    yield ROWS;
    await delay(5 * STALL);
    yield ROWS;
  });
  const { data, count } = (await (await fetch(server.url + PATH)).json()) as { data: []; count: number };
  assert.deepEqual([data.length, count], [20_000, 20_000]);
});
