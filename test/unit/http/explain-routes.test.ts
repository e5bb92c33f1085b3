import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, token } from '../../support/http-ports.ts';

async function explain(body: object, over: Parameters<typeof httpOptions>[0] = {}, headers = {}) {
  const app = await buildApplication(httpOptions(over));
  return await app.inject({
    method: 'POST',
    url: '/api/explain',
    payload: body,
    headers: { host: 'localhost:8001', ...headers },
  });
}

function valueOf(response: Awaited<ReturnType<typeof explain>>): unknown {
  assert.equal(response.statusCode, 200, response.body);
  return response.json<{ points: { value: unknown }[] }>().points[0]?.value;
}

test('the bytes of the payload are explained, given as text or in base64', async () => {
  const response = await explain({ topic: 'devices/ü/b', payload: '21,5 °C' });
  assert.deepEqual(response.json(), {
    success: true,
    route: 'devices/ü/b',
    points: [
      {
        device_id: 'd',
        metric_name: 'm',
        value: Buffer.from('21,5 °C').toString('hex'),
        timestamp: '2026-01-01T00:00:00.000001Z',
      },
    ],
    dead_letter: null,
  });
  assert.equal(valueOf(await explain({ topic: 't', payload_base64: 'AP+A' })), '00ff80');
  assert.equal(valueOf(await explain({ topic: 't', payload_base64: '' })), '');
  assert.equal(valueOf(await explain({ topic: 't', payload: '' })), '');
});

test('a number that JSON cannot carry stays a text, a number a number', async () => {
  for (const value of ['NaN', 21.5, '21.5']) {
    const point = { device_id: 'd', metric_name: 'm', value, timestamp: '2026-01-01T00:00:00.000000Z' };
    const ports = { explain: async () => ({ route: null, points: [point], dead_letter: null }) };
    assert.strictEqual(valueOf(await explain({ topic: 't', payload: 'x' }, { ports })), value);
  }
});

test('a message that cannot be published is a 400 that names what is wrong', async () => {
  const cases: [RegExp, object][] = [
    [/topic/, { payload: '1' }],
    [/topic/, { topic: '', payload: '1' }],
    [/topic/, { topic: 'a/+/b', payload: '1' }],
    [/topic/, { topic: 'a/#', payload: '1' }],
    [/topic/, { topic: 'a\0b', payload: '1' }],
    [/payload/, { topic: 'a' }],
    [/payload_base64/, { topic: 'a', payload: '1', payload_base64: 'MQ==' }],
    [/payload_base64/, { topic: 'a', payload_base64: 'MQ=' }],
    [/payload_base64/, { topic: 'a', payload_base64: 'not base64' }],
    [/propert/, { topic: 'a', payload: '1', paylod: '2' }],
  ];
  for (const [name, body] of cases) {
    const response = await explain(body);
    assert.equal(response.statusCode, 400, JSON.stringify(body));
    assert.match(response.json<{ error: string }>().error, name);
  }
});

test('it is no order: a token that reads may ask', async () => {
  const tokens = [token('reader', 'letmein', 'read')];
  const body = { topic: 'a', payload: '1' };
  assert.equal((await explain(body, { tokens })).statusCode, 401);
  const headers = { authorization: 'Bearer letmein' };
  assert.equal((await explain(body, { tokens }, headers)).statusCode, 200);
});
