import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Access, sees, UNLIMITED } from '../../../src/http/access.ts';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, token } from '../../support/http-ports.ts';

test('devices are seen by how their ids begin', () => {
  const access: Access = { name: 'a', operator: false, devices: ['plant1/', 'ü'] };
  assert.deepEqual(
    ['plant1/pump', 'plant1/', 'plant1', 'plant2/pump', 'über', 'u'].map((id) => sees(access, id)),
    [true, true, false, false, true, false],
  );
  assert.ok(sees(UNLIMITED, 'anything'));
});

test('a token that reads gets no order through, one that operates does', async () => {
  const tokens = [token('viewer', 'reads', 'read'), token('boss', 'orders', 'operator')];
  const app = await buildApplication(httpOptions({ tokens }));
  const ask = async (method: 'GET' | 'POST', url: string, secret: string) =>
    await app.inject({
      method,
      url,
      headers: { host: 'localhost', authorization: `Bearer ${secret}` },
    });
  assert.equal((await ask('GET', '/api/chunks', 'reads')).statusCode, 200);
  const refused = await ask('POST', '/api/chunks/points_20260101_000000/compress', 'reads');
  assert.equal(refused.statusCode, 403);
  assert.match(refused.json<{ error: string }>().error, /token viewer only reads.*scope operator/);
  const done = await ask('POST', '/api/chunks/points_20260101_000000/compress', 'orders');
  assert.equal(done.statusCode, 200);
  await app.close();
});
