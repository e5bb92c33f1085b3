import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify, type FastifyInstance } from 'fastify';
import { lateCompilers } from '../../../src/http/compilers.ts';

function application(): FastifyInstance {
  const app = fastify({ schemaController: { compilersFactory: lateCompilers() } });
  app.addSchema({ $id: 'Shared', type: 'object', properties: { kept: { type: 'integer' } } });
  app.get(
    '/right',
    {
      schema: {
        querystring: { type: 'object', required: ['n'], properties: { n: { type: 'integer', minimum: 2 } } },
        response: { 200: { $ref: 'Shared#' } },
      },
    },
    (request) => ({ kept: (request.query as { n: number }).n, left: 'out' }),
  );
  app.get('/wrong', { schema: { querystring: { type: 'nonsense' } } }, () => 'never');
  return app;
}

test('a schema is compiled at the first request of its route', async () => {
  await using app = application();
  await app.ready();
  assert.equal((await app.inject('/wrong')).statusCode, 500);
  assert.equal((await app.inject('/right?n=2')).statusCode, 200);
});

test('values are converted, checked and written as by compilers that are not late', async () => {
  await using app = application();
  for (const round of [1, 2]) {
    const right = await app.inject('/right?n=3');
    assert.deepEqual([right.statusCode, right.json()], [200, { kept: 3 }], `round ${round}`);
    const missing = await app.inject('/right');
    assert.equal(missing.statusCode, 400);
    assert.equal(missing.json<{ message: string }>().message, "querystring must have required property 'n'");
    const small = await app.inject('/right?n=1');
    assert.equal(small.json<{ message: string }>().message, 'querystring/n must be >= 2');
  }
});
