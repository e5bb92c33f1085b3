/** The continuous aggregates: what a point costs with all of them, how long a minute takes, how fast a month is answered. */

import type { Client } from 'pg';
import { type RefreshOptions, refreshAggregates } from '../../src/engines/postgres/refresh.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames } from '../../src/postgres/names.ts';
import { engineOptions, openPostgres, runJob } from '../integration/engines/engines.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';

const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MONTH = 30;
const MANY = 10_000;
const WARM_UP = 30;
const LOOKS = 200;
const EVERYTHING = `SELECT sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
  WHERE c.relnamespace = 'tidegate'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(points|segments|aggregate|frames)'`;
/** Points at random minutes would say nothing else: values wander by tenths. */
const WALK = `(20 + round((5 * sin(extract(epoch FROM ts)::float8 / 13751 + n) + random())::numeric, 1))::float8`;

export async function benchAggregates({
  rounds,
  count,
}: {
  rounds: number;
  count: number;
}): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB' });
  return [
    ...(await month(postgres.url, count, 1, 'one point a minute')),
    ...(await month(postgres.url, Math.ceil(count * 0.3), 5, 'one point in 5 minutes, at any microsecond')),
    ...(await minutes(postgres.url, rounds)),
  ];
}

async function prepared(server: string, series: number): Promise<{ url: string; client: Client }> {
  const { url, client } = await freshDatabase(server);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  await client.query(
    `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind)
     SELECT 'device_' || n, 'temperature', false, 'gauge' FROM generate_series(1, $1::int) n`,
    [series],
  );
  return { url, client };
}

/** A month of points that ended 40 days ago, refreshed and compressed. */
async function month(server: string, series: number, every: number, what: string): Promise<string[]> {
  const { url, client } = await prepared(server, series);
  const first = `date_trunc('day', now(), 'UTC') - interval '70 days'`;
  await client.query(
    `SELECT tidegate.open_chunk('points', ${first} + n * interval '1 day', '1 day') FROM generate_series(0, ${MONTH - 1}) n`,
  );
  const arrival = every === 1 ? `interval '0'` : `random() * interval '60 seconds'`;
  await client.query(
    `INSERT INTO tidegate.points
     SELECT n, ts, ${WALK} FROM generate_series(1, $1::int) n, LATERAL (
       SELECT ${first} + m * interval '1 minute' + ${arrival} AS ts FROM generate_series(0, ${MONTH} * 1440 - 1, $2::int) m) t`,
    [series, every],
  );
  const points = (MONTH * 1440 * series) / every;
  const engine = openPostgres({ url });
  const refresh = await seconds(async () => {
    while ((await runJob(engine, 'aggregates')).detail.includes('more to do'));
  });
  const before = await bytes(client);
  const compress = await seconds(() => runJob(engine, 'compression', { byHand: true }));
  await runJob(engine, 'chunks');
  await client.query('VACUUM ANALYZE');
  // A later run gives back the index of what vacuum has cleared.
  await runJob(engine, 'compression');
  const after = await bytes(client);
  const looked = await monthByHours(client, first, series);
  await client.end();
  const perPoint = (size: number) => (size / points).toFixed(2);
  return [
    `${series} series, ${MONTH} days, ${what}, ${points} points with all aggregates:`,
    `  ${perPoint(before)} bytes a point before compression, ${perPoint(after)} after it, VACUUM and the next run, everything included`,
    `  refresh ${Math.round(points / refresh).toLocaleString('en-US')} points/s, compression ${Math.round(points / compress).toLocaleString('en-US')} points/s`,
    '  the month of one series by hours through iot_aggregate, 720 rows out of compressed frames, warm:',
    ...looked,
  ];
}

/** Every query as text, planned anew by the server, as a program or a dashboard sends it. */
async function monthByHours(client: Client, first: string, series: number): Promise<string[]> {
  const source = `FROM iot_aggregate($1, 'temperature', ${first}, ${first} + interval '30 days', '1 hour')`;
  const lines: string[] = [];
  for (const [what, text] of [
    ['bucket and avg_value, fetched and parsed here', `SELECT bucket, avg_value ${source}`],
    ['all 15 columns, fetched and parsed here', `SELECT * ${source}`],
    ['counted at the server', `SELECT count(*) ${source}`],
  ] as const) {
    const took: number[] = [];
    for (let look = -WARM_UP; look < LOOKS; look++) {
      const begin = performance.now();
      await client.query(text, [`device_${1 + ((look + WARM_UP) % series)}`]);
      if (look >= 0) took.push(performance.now() - begin);
    }
    lines.push(`    ${what.padEnd(48)} ${figure(took).text('ms')}`);
  }
  return lines;
}

async function bytes(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(EVERYTHING);
  return Number(rows[0]?.bytes);
}

/** A minute of 10,000 series, one point in 10 seconds each. */
async function minutes(server: string, rounds: number): Promise<string[]> {
  const { url, client } = await prepared(server, MANY);
  const start = Math.floor(Date.now() / 60_000 - 30) * 60_000;
  await client.query(
    `SELECT tidegate.open_chunk('points', to_timestamp($1 + n), '1 day') FROM generate_series(0, 86400, 43200) n`,
    [start / 1000 - 43_200],
  );
  await client.query(
    `INSERT INTO tidegate.points SELECT n, to_timestamp($2) + s * interval '1 second', 20 + (n + s) % 100 / 10.0
     FROM generate_series(1, $1::int) n, generate_series(0, ($3 + 2) * 60 - 1, 10) s`,
    [MANY, start / 1000, rounds],
  );
  await client.query('VACUUM ANALYZE');
  const { levels } = engineOptions({ url });
  const refresh = async (minute: number) => {
    const options: RefreshOptions = {
      levels,
      budget: 60_000,
      force: true,
      now: (start + minute * 60_000) * 1000,
    };
    await refreshAggregates(client, schemaNames('public'), options, {
      epoch: 0,
      signal: new AbortController().signal,
    });
  };
  await refresh(2);
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    await refresh(3 + round);
    took.push(performance.now() - begin);
  }
  await client.end();
  return [`a minute of ${MANY} series, 6 points each, refreshed  ${figure(took).text('ms')}`];
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
