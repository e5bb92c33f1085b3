import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Operation, operationsOf, plainRequest } from '../../support/api-operations.ts';
import { startBroker } from '../../support/broker.ts';
import { createDatabase, startTestPostgres } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { type RawAnswer, rawRequest } from '../../support/raw-request.ts';
import { startFleet } from './fleet.ts';

/** What the process knows by itself. */
const WITHOUT_DATABASE = new Set([
  'GET /healthz',
  'GET /metrics',
  'GET /api/stats/ingest',
  'GET /api/live',
  'POST /api/explain',
]);

async function ask(url: string, operation: Operation): Promise<RawAnswer> {
  const { target, body } = plainRequest(operation);
  const headers = body === null ? {} : { 'content-type': 'application/json' };
  return await rawRequest(url, { method: operation.method, target, body, headers });
}

test('with the database stopped every endpoint says 503, and answers as before once it is back', async () => {
  await using broker = await startBroker();
  await using server = await startTestPostgres();
  const database = await createDatabase({ template: true, server: server.url });
  await using fleet = await startFleet({ broker, database });
  const operations = await operationsOf(fleet.url);
  assert.ok(operations.length > 20);
  const before = new Map<string, number>();
  // Twice: orders, given for the second time, find nothing more to do.
  for (const operation of [...operations, ...operations]) {
    const name = `${operation.method} ${operation.path}`;
    const answer = await ask(fleet.url, operation);
    // A 400 would hide what the database has to do with it: HINTS needs a better example then.
    assert.ok([200, 404, 409].includes(answer.status), `${name}: ${answer.status} ${answer.body}`);
    before.set(name, answer.status);
  }

  await server.stop('immediate');
  await eventually('it is not ready', async () => (await fetch(`${fleet.url}/readyz`)).status === 503);
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`;
    const answer = await ask(fleet.url, operation);
    if (WITHOUT_DATABASE.has(name)) {
      assert.equal(answer.status, 200, name);
    } else {
      assert.equal(answer.status, 503, `${name}: ${answer.body.slice(0, 500)}`);
      if (name === 'GET /readyz') continue;
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/, name);
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, name);
      assert.doesNotMatch(answer.body, /127\.0\.0\.1|ECONN|postgres:/, name);
    }
  }
  assert.deepEqual(fleet.takeFailures(), []);

  await server.start();
  await eventually('it is ready again', async () => (await fetch(`${fleet.url}/readyz`)).status === 200);
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`;
    assert.equal((await ask(fleet.url, operation)).status, before.get(name), name);
  }
  assert.deepEqual(fleet.takeFailures(), []);
});
