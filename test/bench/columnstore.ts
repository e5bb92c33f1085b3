/** TimescaleDB's columnstore with the same points under the same key, where a server with it is named. */

import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows } from '../../src/postgres/binary.ts';
import type { Points } from '../../src/segments/segment.ts';
import { freshDatabase } from './database.ts';

/** Bytes a point, compressed, index and what TimescaleDB keeps besides included; null where no server is named. */
export async function columnstoreBytes(all: readonly Points[]): Promise<number | null> {
  const url = process.env['TIDEGATE_TEST_TIMESCALEDB_URL'];
  if (url === undefined) return null;
  const { client } = await freshDatabase(url);
  try {
    await client.query('CREATE EXTENSION timescaledb');
    await client.query(
      `CREATE TABLE points (series_id bigint NOT NULL, ts timestamptz NOT NULL, value double precision NOT NULL,
         PRIMARY KEY (series_id, ts));
       SELECT create_hypertable('points', by_range('ts', INTERVAL '1 day'));
       ALTER TABLE points SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'series_id', timescaledb.orderby = 'ts')`,
    );
    for (const [series, points] of all.entries()) await copy(client, series, points);
    const { rows: chunks } = await client.query<{ chunk: string }>(
      `SELECT format('%I.%I', chunk_schema, chunk_name) AS chunk FROM timescaledb_information.chunks`,
    );
    for (const { chunk } of chunks) await client.query(`CALL convert_to_columnstore('${chunk}')`);
    await client.query('VACUUM');
    const { rows } = await client.query<{ bytes: string }>(`SELECT hypertable_size('points') AS bytes`);
    return Number(rows[0]?.bytes) / all.reduce((count, points) => count + points.timestamp.length, 0);
  } finally {
    await client.end();
  }
}

async function copy(client: Client, series: number, { timestamp, value }: Points): Promise<void> {
  const stream = client.query(copyFrom('COPY points FROM STDIN (FORMAT binary)'));
  const seriesId = new Float64Array(timestamp.length).fill(series);
  stream.end(copyRows({ length: timestamp.length, seriesId, timestamp, value }));
  await finished(stream);
}
