import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, STATISTICS } from '../../support/http-ports.ts';

async function ask(url: string, over: Parameters<typeof httpOptions>[0] = {}) {
  const app = await buildApplication(httpOptions(over));
  return await app.inject({ url, headers: { host: 'localhost:8001' } });
}

for (const prefix of ['/api', '/api/v1']) {
  test(`${prefix}: the collection of the last hour, and of ever`, async () => {
    const { hour, ever, asOf } = await STATISTICS.collection();
    const response = await ask(`${prefix}/stats/collection`);
    assert.equal(response.statusCode, 200, response.body);
    assert.deepEqual(response.json(), { success: true, data: hour, ever, as_of: asOf });
  });

  test(`${prefix}: the rate of the last whole minute, and minute by minute`, async () => {
    const response = await ask(`${prefix}/stats/ingestion-rate?minutes=3`);
    assert.deepEqual(response.json(), {
      success: true,
      points_per_second: 2,
      data: await STATISTICS.rates(3),
      count: 3,
    });
    assert.equal((await ask(`${prefix}/stats/ingestion-rate`)).json<{ count: number }>().count, 60);
  });

  test(`${prefix}: how long questions took`, async () => {
    const data = await STATISTICS.queries();
    assert.deepEqual((await ask(`${prefix}/stats/queries`)).json(), { success: true, data, count: 1 });
  });
}

test('a number of minutes that is none, or too large, is a 400 that names it', async () => {
  for (const minutes of [
    '0',
    '-1',
    '1441',
    'x',
    '1.5',
    '',
    '1e9',
    '1e999',
    'Infinity',
    '-Infinity',
    'NaN',
    '%00',
  ]) {
    const response = await ask(`/api/stats/ingestion-rate?minutes=${minutes}`);
    assert.equal(response.statusCode, 400, minutes);
    assert.match(response.json<{ error: string }>().error, /minutes/);
  }
});

test('what is asked of the collection is logged with its rows', async () => {
  const answered: { type: string; count: number; durationMs: number }[] = [];
  const ports = { logQuery: (question: (typeof answered)[number]) => void answered.push(question) };
  await ask('/api/stats/collection', { ports });
  await ask('/api/stats/ingestion-rate?minutes=7', { ports });
  assert.deepEqual(
    answered.map(({ type, count }) => [type, count]),
    [
      ['collection', 1],
      ['ingestion_rate', 7],
    ],
  );
  for (const { durationMs } of answered) assert.ok(durationMs >= 0);
});
