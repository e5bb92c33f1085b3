/** Corrections on a database of the test, and what its views say of a device. */

import { withCorrections } from '../../../src/engines/open-corrections.ts';
import type { Corrections } from '../../../src/engines/corrections.ts';
import type { OnDuplicate } from '../../../src/postgres/rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { engineOptions, openPostgres, runJob } from '../engines/engines.ts';
import { never } from '../postgres/sinks.ts';

/** Topics are `devices/DEVICE/METRIC`, of the route `test`. */
export async function correct<T>(
  database: Pick<TestDatabase, 'url'>,
  work: (corrections: Corrections) => Promise<T>,
  { schema = 'public', onDuplicate = 'keep_first' }: { schema?: string; onDuplicate?: OnDuplicate } = {},
): Promise<T> {
  const options = {
    ...engineOptions(database, { schema }),
    onDuplicate,
    actor: 'somebody@here',
    deviceOf: (route: string, topic: string) => (route === 'test' ? (topic.split('/')[1] ?? null) : null),
  };
  return await withCorrections(options, 'auto', never(), work);
}

/** Rows of a view as text, ordered. */
export async function rowsOf(database: TestDatabase, view: string, device: string): Promise<string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT v::text AS row FROM ${view} v WHERE device_id = $1 ORDER BY v::text COLLATE "C"`,
    [device],
  );
  return rows.map(({ row }) => row);
}

/** Everything that the tables hold, so that two states can be compared. */
export async function everything(database: TestDatabase): Promise<Record<string, unknown>> {
  const tables = [
    'series',
    'series_stats',
    'points',
    'points_late',
    'texts',
    'texts_late',
    'segments',
    'batches',
    'dead_letters',
    'device_aliases',
    'device_names',
    'device_states',
    'chunk_map',
    'chunks',
    'dirty_buckets',
    'audit',
    ...['1min', '15min', '1hour', '1day'].flatMap((level) => [`aggregate_${level}`, `frames_${level}`]),
  ];
  const found: Record<string, unknown> = {};
  for (const table of tables) {
    const [row] = await database.query(
      `SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text COLLATE "C")) FROM tidegate.${table} t`,
    );
    found[table] = row;
  }
  return found;
}

/** Computes what is dirty on every level: old buckets reach the level above with the run after. */
export async function refresh(database: TestDatabase): Promise<void> {
  const queue = 'SELECT count(*) AS left FROM tidegate.dirty_buckets';
  for (let runs = 0; runs < 10; runs++) {
    await database.query(`UPDATE tidegate.aggregates SET refreshed_at = '-infinity'`);
    await runJob(openPostgres(database), 'aggregates');
    const [row] = await database.query<{ left: string }>(queue);
    if (row?.left === '0') return;
  }
  throw new Error('the queue of dirty buckets does not empty');
}
