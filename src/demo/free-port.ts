import { once } from 'node:events';
import net from 'node:net';

/** How many ports are tried before the system chooses one. */
const TRIES = 100;

/** The first port from `wanted` on that nobody listens on at 127.0.0.1; any free one where a hundred are taken. */
export async function freePortFrom(wanted: number): Promise<number> {
  const last = Math.min(wanted + TRIES - 1, 65_535);
  for (let port = wanted; port <= last; port++) {
    if ((await probe(port)) !== null) return port;
  }
  return (await probe(0)) ?? 0;
}

/** The port where it could be listened on. */
async function probe(wanted: number): Promise<number | null> {
  const server = net.createServer().listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    // Taken, or below 1024 and not ours to take.
    return null;
  }
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
