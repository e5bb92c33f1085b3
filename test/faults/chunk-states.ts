/** What a chunk of a test holds, asked whatever state it is in. */

import type { TestDatabase } from '../support/database.ts';
import { DAY } from '../unit/pipeline/messages.ts';
import { at, type Point, points, type TestSink } from '../integration/postgres/sinks.ts';

/** The chunk of the day that the points of `fillDay` lie in. */
export const DAY_OF_TEST = at('2024-01-01T00:00:00Z');
export const CHUNK = 'points_20240101_000000';

/** `count` points of 20 series all over the day. */
export async function fillDay(sink: TestSink, count: number, kind = 'device'): Promise<void> {
  const step = Math.floor(DAY / count);
  for (let from = 0; from < count; from += 10_000) {
    const some = Array.from({ length: Math.min(10_000, count - from) }, (_, index): Point => {
      const row = from + index;
      return {
        device: `${kind} ${row % 20}`,
        metric: 'x',
        time: DAY_OF_TEST + row * step + (row % 7),
        value: row % 3 === 0 ? row / 7 : (row % 1000) / 10,
      };
    });
    await sink.put(points(some));
  }
}

/** How many points there are, and a digest of every device, metric, time and value. */
export async function contents(database: TestDatabase): Promise<string> {
  const [row] = await database.query<{ contents: string }>(
    `SELECT concat(count(*), ' ', sum(hash_record_extended(ROW(device_id, metric_name, timestamp, value), 0)::numeric)) AS contents
     FROM iot_data`,
  );
  return row?.contents ?? '';
}

export async function stateOf(database: TestDatabase, chunk: string = CHUNK): Promise<string> {
  const [row] = await database.query<{ state: string }>('SELECT state FROM tidegate.chunks WHERE leaf = $1', [
    chunk,
  ]);
  return row?.state ?? 'gone';
}

/** Whether nobody works on chunks any more: a killed process' statement may go on for a moment at the server. */
export async function isQuiet(database: TestDatabase): Promise<boolean> {
  const busy = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate jobs'`,
  );
  return busy.length === 0;
}
