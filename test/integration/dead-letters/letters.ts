/** Messages that a daemon of another configuration received, and what is left of them. */

import { decodeLimits, pipelineOptions, sinkOptions } from '../../../src/app-options.ts';
import { type Config, loadConfig } from '../../../src/config/load.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { EngineName } from '../../../src/postgres/engine-choice.ts';
import { PostgresSink } from '../../../src/postgres/sink.ts';
import type { TestDatabase } from '../../support/database.ts';
import { never } from '../postgres/sinks.ts';

export interface Received {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  /** Microseconds since 1970. */
  readonly at: number;
}

/** As from the environment of a daemon; `routes` as in a file. */
export function configured(
  database: Pick<TestDatabase, 'url'>,
  routes: readonly object[] | null = null,
  env: Readonly<Record<string, string>> = {},
): Config {
  return loadConfig({ env: environment(database, routes, env) });
}

export function environment(
  database: Pick<TestDatabase, 'url'>,
  routes: readonly object[] | null = null,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    TIDEGATE_DATABASE_URL: database.url,
    ...(routes === null ? {} : { TIDEGATE_ROUTES: JSON.stringify(routes) }),
    ...env,
  };
}

/** What the daemon does with messages, each a batch by itself where `apart`. */
export async function receive(
  config: Config,
  messages: readonly Received[],
  { engine = 'postgres', apart = false }: { readonly engine?: EngineName; readonly apart?: boolean } = {},
): Promise<void> {
  const sink = new PostgresSink(sinkOptions(config, engine));
  const decoder = createDecoder(config.routes, decodeLimits(config));
  const { admission } = pipelineOptions(config);
  const builder = new BatchBuilder(decoder, new SeriesRegistry(10_000), admission, () => {});
  for (const [index, { topic, payload, at }] of messages.entries()) {
    builder.add({
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
      duplicate: false,
      packetId: 1,
      receivedAt: at,
      identity: null,
      backlog: false,
      ack: () => {},
    });
    if (apart || index === messages.length - 1) await sink.write(builder.seal(), never());
  }
  await sink.maintain();
  await sink.close();
}

export interface Kept {
  readonly topic: string;
  readonly code: string;
  readonly points: number;
  readonly stored: number | null;
}

export async function lettersOf(database: TestDatabase, schema = 'public'): Promise<Kept[]> {
  return await database.query<Kept>(
    `SELECT topic, code, points, stored FROM "${schema}".iot_dead_letters ORDER BY dead_letter_id`,
  );
}

/** Every number and text, `device metric time value`, in order; times in microseconds. */
export async function storedIn(database: TestDatabase, schema = 'public'): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT concat_ws(' ', device_id, metric_name, (extract(epoch FROM "timestamp") * 1000000)::bigint, value) AS row FROM (
       SELECT device_id, metric_name, "timestamp", value::text FROM "${schema}".iot_data
       UNION ALL SELECT device_id, metric_name, "timestamp", value FROM "${schema}".iot_text) t
     ORDER BY 1`,
  );
  return rows.map(({ row }) => row);
}
