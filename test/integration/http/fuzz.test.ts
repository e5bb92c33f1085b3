import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { operationsOf } from '../../support/api-operations.ts';
import { startBroker } from '../../support/broker.ts';
import { ENGINES } from '../../support/engines.ts';
import { token } from '../../support/http-ports.ts';
import { type RawAnswer, type RawRequest, rawRequest } from '../../support/raw-request.ts';
import { requests } from '../../support/request-arbitraries.ts';
import { startFleet } from './fleet.ts';

/** Requests of each endpoint. */
const RUNS = Number(process.env['TIDEGATE_TEST_FUZZ_RUNS'] ?? 25);

const TOKENS = [
  token('operator', 'operator', 'operator'),
  token('reader', 'reader', 'read'),
  token('some', 'some', 'read', ['boil']),
  token('some-orders', 'some-orders', 'operator', ['a/']),
];
const AUTHORIZATION = [
  ...TOKENS.map(({ name }) => `Bearer ${name}`),
  'Bearer operator',
  'Bearer nobody',
  'Bearer',
  'Basic b3BlcmF0b3I6',
  null,
];

/** What holds for every answer, whatever was asked. */
function assertSound({ status, headers, body }: RawAnswer, { method, target }: RawRequest): void {
  assert.ok(status >= 200 && status < 500, `${status}: ${body.slice(0, 500)}`);
  const type = headers['content-type'] ?? '';
  if (status >= 400) {
    assert.match(type, /^application\/problem\+json/);
    if (method === 'HEAD') return;
    const problem = JSON.parse(body) as Record<string, unknown>;
    assert.deepEqual([problem['status'], problem['error']], [status, problem['detail']]);
    assert.ok(typeof problem['detail'] === 'string' && problem['detail'] !== '');
  } else if (type.startsWith('application/json') && method !== 'HEAD') {
    assert.equal(typeof JSON.parse(body), 'object', target);
  }
}

for (const kind of ENGINES) {
  for (const tokens of [[], TOKENS]) {
    const title = `requests of every kind on ${kind.name}, ${tokens.length === 0 ? 'without' : 'with'} tokens`;
    test(title, { skip: kind.skip }, async (t) => {
      await using broker = await startBroker();
      await using database = await kind.createDatabase();
      await using fleet = await startFleet({ broker, database, engine: kind.name, tokens });
      const operations = await operationsOf(fleet.url);
      assert.ok(operations.length > 20);
      for (const operation of operations) {
        await t.test(`${operation.method} ${operation.path}`, async () => {
          await fc.assert(
            fc.asyncProperty(
              requests(operation, tokens.length === 0 ? [null] : AUTHORIZATION),
              async (request) => {
                const answer = await rawRequest(fleet.url, request);
                assert.deepEqual(fleet.takeFailures(), []);
                assertSound(answer, request);
              },
            ),
            { numRuns: RUNS, endOnFailure: true },
          );
        });
      }
      // What they asked has changed nothing that would make an ordinary answer wrong.
      const [row] = await database.query<{ points: number }>(
        `SELECT count(*)::int AS points FROM iot_data WHERE device_id = 'boiler' AND metric_name = 'temperature'`,
      );
      assert.equal(row?.points, 500);
    });
  }
}

test('a query string of ten megabytes is refused, and the next one is answered', async () => {
  await using broker = await startBroker();
  await using database = await (ENGINES[0] as (typeof ENGINES)[number]).createDatabase();
  await using fleet = await startFleet({ broker, database });
  const long = 'x'.repeat(10_000_000);
  for (const { method, path } of await operationsOf(fleet.url)) {
    const target = `${path.replaceAll(/\{\w+\}/g, '1')}?device_id=${long}`;
    const status = await rawRequest(fleet.url, { method, target }).then(
      (answer) => answer.status,
      // The server may hang up before it has heard all of it.
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok([431, 414, 400, 'ECONNRESET', 'EPIPE'].includes(status ?? ''), `${method} ${path}: ${status}`);
  }
  assert.equal((await rawRequest(fleet.url, { method: 'GET', target: '/healthz' })).status, 200);
  assert.deepEqual(fleet.takeFailures(), []);
});
