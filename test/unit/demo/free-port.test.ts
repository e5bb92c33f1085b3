import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { freePortFrom } from '../../../src/demo/free-port.ts';

test('takes the wanted port, or another where it is taken', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const other = await freePortFrom(port);
  assert.notEqual(other, port);
  server.close();
  await once(server, 'close');
  assert.equal(await freePortFrom(port), port);
});
