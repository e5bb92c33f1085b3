/** The latest point of one metric of 1,000 devices, over HTTP, of 10,000 series with a journal that waits to be folded. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createHttpServer } from '../../src/http/server.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { LatestPoints } from '../../src/postgres/latest-points.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { httpOptions } from '../support/http-ports.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';
import type { LatestClients } from './latest-clients.ts';

const DEVICES = 1_000;
const METRICS = 10;
/** Five seconds of 5,000 points, a batch a second. */
const BATCHES = 5;
const POINTS = 5_000;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function benchLatest({ rounds }: { rounds: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'device_' || n % $1::int, 'metric_' || n / $1::int, false, 'gauge' FROM generate_series(0, $1::int * $2::int - 1) n`,
    [DEVICES, METRICS],
  );
  await client.query(
    `INSERT INTO tidegate.series_stats SELECT series_id, 100, now() - interval '1 day', now() - interval '10 s', random() FROM tidegate.series`,
  );
  for (let batch = 0; batch < BATCHES; batch++) {
    await client.query(
      `INSERT INTO tidegate.batches (batch_id, client_id, messages_settled, messages_ignored, messages_dead_lettered,
         messages_dropped, points_decoded, points_stored, points_duplicate, points_conflict, points_dead_lettered, points_dropped,
         series_ids, series_points, first_times, last_times, last_values, repeated_ids, repeated_duplicates, repeated_conflicts)
       SELECT gen_random_uuid(), 'bench', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, array_agg(n), array_agg(1), array_agg(now()), array_agg(now()),
         array_agg(random()), '{}', '{}', '{}' FROM generate_series(1, $1::int) n`,
      [POINTS],
    );
  }
  await client.query('VACUUM ANALYZE');
  await client.end();
  const pool = new QueryPool({ url, schema: 'public', statementTimeout: 0, connections: 4 });
  const latest = new LatestPoints(pool);
  const server = await createHttpServer({
    ...httpOptions({ ports: { latest } }),
    port: 0,
    allowAnonymous: false,
  });
  const { url: base } = await server.listen();
  const asked = `${base}/api/latest?metric_name=metric_3&limit=${DEVICES}`;
  const lines = [
    `${DEVICES} of ${DEVICES * METRICS} series, ${BATCHES * POINTS} entries of the journal not folded:`,
  ];
  for (const [what, clients, rest] of [
    ['1 client', 1, 0],
    ['32 clients that each ask about once a second', 32, 1_000],
    ['32 clients without a rest', 32, 0],
  ] as const) {
    const looks = clients === 1 ? rounds * 20 : rounds * 2;
    const took = await load({ url: asked, clients, looks, rest });
    const sorted = took.toSorted((a, b) => a - b);
    const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] as number;
    lines.push(`  ${what}: ${figure(took).text('ms')}, p95 ${p95.toPrecision(3)} ms`);
  }
  await server.close();
  await pool.close();
  return lines;
}

async function load(workerData: LatestClients): Promise<number[]> {
  const worker = new Worker(new URL('./latest-clients.ts', import.meta.url), { workerData });
  const [took] = (await once(worker, 'message')) as [number[]];
  return took;
}
