/** The sink's batches of 10,000 points beside `psql \copy` (text) of the same rows into the same keyed table. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Client } from 'pg';
import { BatchBuilder } from '../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../src/pipeline/series-registry.ts';
import type { Batch, Decoder } from '../../src/pipeline/types.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { PostgresSink } from '../../src/postgres/sink.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure, ratios } from './figures.ts';

const SERIES = 1000;
const BATCH = 10_000;
const DAY = 86_400_000_000;
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Microseconds since 1970 of the first row: midnight, so that all lie in one chunk. */
const FIRST = Math.floor((Date.now() * 1000) / DAY) * DAY;

export async function benchCopy({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const measured = { theirs: await psql(postgres.url, count), ours: await sink(postgres.url, count) };
    // The first round warms caches and the disk.
    if (round === 0) continue;
    ours.push(measured.ours);
    theirs.push(measured.theirs);
  }
  return [
    `${count} rows of ${SERIES} series in order of arrival into the keyed table, ${rounds} rounds in turn:`,
    `  psql \\copy (text), one COPY            ${figure(theirs).text('rows/s')}`,
    `  sink, batches of ${BATCH}, each committed ${figure(ours).text('rows/s')}`,
    `  ratio sink / psql                      ${ratios(ours, theirs).text('')}`,
  ];
}

/** Row i: the value and the time that both sides write. */
function row(index: number): { series: number; time: number; value: number } {
  const second = Math.floor(index / SERIES);
  return { series: index % SERIES, time: FIRST + second * 1_000_000, value: 20 + (index % 100) / 10 };
}

async function sink(url: string, count: number): Promise<number> {
  const { client, sink: target, batches } = await preparedSink(url, count);
  const { signal } = new AbortController();
  const begin = performance.now();
  for (const batch of batches) await target.write(batch, signal);
  const seconds = (performance.now() - begin) / 1000;
  await verified(client, count);
  await target.close();
  await client.end();
  return count / seconds;
}

async function psql(url: string, count: number): Promise<number> {
  const { client, sink: target, url: own } = await preparedSink(url, 0);
  await target.close();
  const ids = await client.query<{ series_id: string }>('SELECT series_id FROM tidegate.series ORDER BY 1');
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    const { series, time, value } = row(index);
    lines.push(`${ids.rows[series]?.series_id}\t${new Date(time / 1000).toISOString()}\t${value}\n`);
  }
  const text = lines.join('');
  const begin = performance.now();
  const child = spawn('psql', ['-q', own, '-c', '\\copy tidegate.points FROM STDIN'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin.end(text);
  await once(child, 'exit');
  const seconds = (performance.now() - begin) / 1000;
  await verified(client, count);
  await client.end();
  return count / seconds;
}

/** A migrated database with all series and the chunk there, and the batches to write. */
export async function preparedSink(
  url: string,
  count: number,
): Promise<{ url: string; client: Client; sink: PostgresSink; batches: Batch[] }> {
  const database = await freshDatabase(url);
  await migrate({ url: database.url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const target = new PostgresSink({
    url: database.url,
    schema: 'public',
    clientId: 'bench',
    statementTimeout: 60_000,
    onDuplicate: 'keep_first',
    maxSeries: SERIES,
    chunks: { interval: DAY },
  });
  const batches = batchesOf(count);
  await target.maintain();
  // Makes the series; its points are taken out again.
  await target.write(batchesOf(SERIES)[0] as Batch, new AbortController().signal);
  await database.client.query('DELETE FROM tidegate.points');
  await database.client.query('VACUUM tidegate.points');
  await database.client.query('CHECKPOINT');
  return { ...database, sink: target, batches };
}

function batchesOf(count: number): Batch[] {
  const decoder: Decoder = {
    decode(topic, _payload, out) {
      const { series, time, value } = row(Number(topic));
      out.number(`device-${series}`, 'temperature', time, value, 'gauge');
      return 'bench';
    },
  };
  const registry = new SeriesRegistry(SERIES * 4);
  const builder = new BatchBuilder(
    decoder,
    registry,
    { maxFuture: DAY, maxAge: Number.POSITIVE_INFINITY },
    () => {},
  );
  const batches: Batch[] = [];
  for (let index = 0; index < count; index++) {
    builder.add({
      topic: String(index),
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
      duplicate: false,
      packetId: null,
      identity: null,
      backlog: false,
      receivedAt: FIRST,
      ack: () => {},
    });
    if (builder.points === BATCH || index === count - 1) batches.push(builder.seal());
  }
  return batches;
}

async function verified(client: Client, count: number): Promise<void> {
  const { rows } = await client.query<{ rows: string }>('SELECT count(*) AS rows FROM iot_data');
  if (Number(rows[0]?.rows) !== count) throw new Error(`${rows[0]?.rows} rows instead of ${count}`);
}
