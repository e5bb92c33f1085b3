/** The life of many points, a million of a thousand devices unless it is said otherwise: ingested, aggregated, compressed. */

import { openPostgres, runJob } from '../integration/engines/engines.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { BatchBuilder } from '../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../src/pipeline/series-registry.ts';
import type { Batch, Decoder } from '../../src/pipeline/types.ts';
import type { TestDatabase } from './database.ts';

export const DEVICES = 1_000;
const BATCH = 10_000;
/** Microseconds. */
const DAY = 86_400_000_000;
const HOUR = DAY / 24;

/** The midnight of ten days ago, microseconds since 1970: its chunk is old enough to be compressed. */
export const EXAMPLE_DAY: number = (Math.floor((Date.now() * 1000) / DAY) - 10) * DAY;

/**
 * Batches of 10,000 points of so many devices: `device_N`, `temperature`, 20 + (i % 100) / 10, in the order of time, over
 * `span` microseconds from `first` on.
 */
export function* exampleBatches(
  count: number,
  first: number = EXAMPLE_DAY,
  span: number = 2 * HOUR,
  devices: number = DEVICES,
): Generator<Batch> {
  const step = Math.floor((span * devices) / count);
  const decoder: Decoder = {
    decode(topic, _payload, out) {
      const index = Number(topic);
      const time = first + Math.floor(index / devices) * step;
      out.number(`device_${index % devices}`, 'temperature', time, 20 + (index % 100) / 10, 'gauge');
      return 'example';
    },
  };
  const admission = { maxFuture: DAY, maxAge: Number.POSITIVE_INFINITY };
  const builder = new BatchBuilder(decoder, new SeriesRegistry(devices * 4), admission, () => {});
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
      receivedAt: Date.now() * 1000,
      ack: () => {},
    });
    if (builder.points === BATCH || index === count - 1) yield builder.seal();
  }
}

/** Seconds of each step. */
export interface ExampleTimes {
  readonly ingest: number;
  readonly refresh: number;
  readonly compress: number;
}

interface Life {
  readonly devices?: number;
  /** After the aggregates are there, before anything is compressed. */
  readonly refreshed?: () => Promise<void>;
}

/** Batches are made before the clock runs. */
export async function liveThrough(
  database: Pick<TestDatabase, 'url'>,
  count: number,
  { devices = DEVICES, refreshed = async () => {} }: Life = {},
): Promise<ExampleTimes> {
  const batches = [...exampleBatches(count, EXAMPLE_DAY, 2 * HOUR, devices)];
  const sink = openSink(database, { clientId: 'example' });
  const ingest = await seconds(async () => {
    for (const batch of batches) await sink.write(batch, new AbortController().signal);
  });
  await sink.maintain();
  await sink.close();
  const engine = openPostgres(database);
  const refresh = await seconds(async () => {
    while ((await runJob(engine, 'aggregates')).detail.includes('more to do'));
  });
  await refreshed();
  const compress = await seconds(() => runJob(engine, 'compression', { byHand: true }));
  await runJob(engine, 'chunks');
  return { ingest, refresh, compress };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
