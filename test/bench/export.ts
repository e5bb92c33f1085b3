/** All points as CSV over HTTP: how fast, and in how much memory of the daemon. */

import { migrate } from '../../src/postgres/migrate.ts';
import { startBroker } from '../support/broker.ts';
import { startDaemon } from '../support/daemon.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { addresses } from '../support/program.ts';
import { fillCompressed } from './compressed-set.ts';
import { freshDatabase } from './database.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const SERIES = 4;

export async function benchExport({ count }: { count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB' });
  await using broker = await startBroker();
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const points = Math.round(count / SERIES);
  const devices = Array.from({ length: SERIES }, (_, index) => `device-${index}`);
  await fillCompressed(
    client,
    devices.map((device) => ({ device, points, every: 1 })),
  );
  await client.end();
  await using daemon = await startDaemon({ env: addresses(broker, url) });
  const before = daemon.peakMemory();
  const which = devices.map((device) => `device_id=${device}`).join('&');
  const begin = performance.now();
  const response = await fetch(
    `${daemon.url}/api/metrics?${which}&metric_name=temperature&granularity=raw&format=csv&start_time=2000-01-01&end_time=now`,
  );
  let [bytes, lines] = [0, 0];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
  }
  const seconds = (performance.now() - begin) / 1000;
  if (lines !== points * SERIES + 1) throw new Error(`${lines} lines`);
  const peak = daemon.peakMemory();
  await daemon.stop();
  return [
    `${points * SERIES} points of ${SERIES} series, all compressed, as CSV over HTTP (${Math.round(bytes / 2 ** 20)} MiB):`,
    `  ${seconds.toFixed(1)} s, ${Math.round((points * SERIES) / seconds).toLocaleString('en-US')} points/s`,
    `  at most ${Math.round(peak)} MiB resident in the daemon, ${Math.round(before)} MiB before`,
  ];
}
