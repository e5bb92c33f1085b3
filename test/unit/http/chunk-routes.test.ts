import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { TidegateError } from '../../../src/errors.ts';
import { buildApplication } from '../../../src/http/application.ts';
import { CHUNKS, httpOptions } from '../../support/http-ports.ts';

const NAME = 'points_20260101_000000';

async function ask(request: InjectOptions, over: Parameters<typeof httpOptions>[0] = {}) {
  const app = await buildApplication(httpOptions(over));
  return await app.inject({ ...request, headers: { host: 'localhost:8001', ...request.headers } });
}

test('chunks are listed, with what compression saves, under both paths', async () => {
  for (const prefix of ['/api', '/api/v1']) {
    const listed = (await ask({ url: `${prefix}/chunks` })).json<{
      success: boolean;
      count: number;
      data: object[];
    }>();
    assert.deepEqual([listed.success, listed.count], [true, 1]);
    assert.deepEqual(listed.data, await CHUNKS.list());
    const saved = (await ask({ url: `${prefix}/compression` })).json<{ totals: object; data: object[] }>();
    assert.deepEqual(saved.totals, { points: 1_000, bytes_before: 100_000, bytes_after: 2_000, ratio: 50 });
    assert.deepEqual(saved.data, await CHUNKS.compression());
  }
});

test('without a compressed chunk there is no ratio', async () => {
  const response = await ask(
    { url: '/api/compression' },
    { ports: { chunks: { ...CHUNKS, compression: async () => [] } } },
  );
  assert.deepEqual(response.json<{ totals: object }>().totals, {
    points: 0,
    bytes_before: 0,
    bytes_after: 0,
    ratio: null,
  });
});

test('a chunk is compressed and opened by name', async () => {
  for (const [action, detail] of [
    ['compress', 'compressed'],
    ['decompress', 'opened'],
  ] as const) {
    const response = await ask({ method: 'POST', url: `/api/chunks/${NAME}/${action}` });
    assert.equal(response.statusCode, 200);
    assert.deepEqual(response.json(), { success: true, rows: 1_000, detail });
    const unknown = await ask({ method: 'POST', url: `/api/chunks/other/${action}` });
    assert.equal(unknown.statusCode, 404);
    assert.match(unknown.json<{ error: string }>().error, /other is not a chunk/);
  }
});

test('a chunk in another state is a conflict', async () => {
  const compress = () => Promise.reject(new TidegateError('chunk_state', `${NAME} is sealed`));
  const response = await ask(
    { method: 'POST', url: `/api/chunks/${NAME}/compress` },
    { ports: { chunks: { ...CHUNKS, compress } } },
  );
  assert.equal(response.statusCode, 409);
});

test('no page of another site gives such an order', async () => {
  const order = { method: 'POST', url: `/api/chunks/${NAME}/compress` } as const;
  assert.equal((await ask({ ...order, headers: { origin: 'https://evil.example' } })).statusCode, 403);
});
