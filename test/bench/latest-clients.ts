/** Clients that ask for the latest points, in a thread of their own: workerData says where, how many and how often. */

import { Agent, get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface LatestClients {
  readonly url: string;
  readonly clients: number;
  readonly looks: number;
  /** Milliseconds of rest between two questions of a client. */
  readonly rest: number;
}

const { url, clients, looks, rest } = workerData as LatestClients;
const agent = new Agent({ keepAlive: true, maxSockets: clients });
const took: number[] = [];

await Promise.all(
  Array.from({ length: clients }, async () => {
    for (let look = 0; look < looks; look++) {
      await new Promise((resolve) => setTimeout(resolve, rest * 2 * Math.random()));
      const begun = performance.now();
      const bytes = await ask();
      if (bytes < 1_000) throw new Error(`an answer of ${bytes} bytes`);
      took.push(performance.now() - begun);
    }
  }),
);
agent.destroy();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
parentPort?.postMessage(took);

function ask(): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    request.on('error', reject);
  });
}
