import type { Client, QueryResultRow } from 'pg';
import { COUNTS } from './journal.ts';
import { schemaNames, withNames } from './names.ts';
import type { SinkOptions } from './sink-options.ts';

/** How many of each are wanted; 0 is none. */
export interface AccountQuery {
  /** The latest minutes. */
  readonly minutes: number;
  /** Series with conflicts, those with most first. */
  readonly conflicts: number;
  /** Devices of the last hour, those with most points first. */
  readonly devices: number;
}

/** The balance sheet in detail. Only what was asked for is there. */
export interface AccountDetail {
  /** What this daemon committed, by the minute of the commit; minutes without anything are left out. */
  readonly minutes?: readonly MinuteSums[];
  /** Series of which a second value came under a stored key. */
  readonly conflicts?: readonly SeriesConflict[];
  /** What devices brought in the last hour, to ten minutes. */
  readonly devices?: readonly DeviceSums[];
}

interface MinuteSums {
  readonly minute: string;
  readonly messages: Readonly<Record<'settled' | 'ignored' | 'dead_lettered' | 'dropped', number>>;
  readonly points: Readonly<
    Record<'decoded' | 'stored' | 'duplicate' | 'conflict' | 'dead_lettered' | 'dropped', number>
  >;
}

interface SeriesConflict {
  readonly device_id: string;
  readonly metric_name: string;
  readonly conflicts: number;
  readonly last_at: string;
}

interface DeviceSums {
  readonly device_id: string;
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
}

const SUMS = COUNTS.map((count) => `sum(${count}) AS ${count}`).join(', ');

/** A daemon's, $1, and those of its workers, whose client ids begin with $2. */
const OWN = '(client_id = $1 OR starts_with(client_id, $2))';

const MINUTES = `SELECT minute, ${SUMS}
  FROM (
    SELECT minute, ${COUNTS.join(', ')} FROM :"internal".ingest_minutes WHERE ${OWN}
    UNION ALL
    SELECT date_trunc('minute', committed_at), ${COUNTS.join(', ')} FROM :"internal".batches WHERE ${OWN}
  ) m
  WHERE minute > date_trunc('minute', now()) - make_interval(mins => $3::integer)
  GROUP BY minute ORDER BY minute`;

const CONFLICTS = `SELECT s.device_id, s.metric_name, sum(c.conflicts) AS conflicts, max(c.last_at) AS last_at
  FROM (
    SELECT series_id, conflicts, last_at FROM :"internal".series_conflicts
    UNION ALL
    SELECT r.series_id, r.conflict, b.committed_at
    FROM :"internal".batches b, unnest(b.repeated_ids, b.repeated_conflicts) AS r (series_id, conflict)
    WHERE r.conflict > 0
  ) c JOIN :"internal".series s USING (series_id)
  GROUP BY s.series_id ORDER BY sum(c.conflicts) DESC, s.series_id LIMIT $1`;

const DEVICES = `SELECT device_id, sum(stored) AS stored, sum(duplicate) AS duplicate, sum(conflict) AS conflict
  FROM (
    SELECT device_id, stored, duplicate, conflict FROM :"internal".device_sums WHERE slot > now() - interval '70 minutes'
    UNION ALL
    SELECT s.device_id, e.stored, e.duplicate, e.conflict
    FROM (
      SELECT g.series_id, g.points AS stored, 0 AS duplicate, 0 AS conflict
      FROM :"internal".batches b, unnest(b.series_ids, b.series_points) AS g (series_id, points)
      UNION ALL
      SELECT r.series_id, 0, r.duplicate, r.conflict
      FROM :"internal".batches b,
        unnest(b.repeated_ids, b.repeated_duplicates, b.repeated_conflicts) AS r (series_id, duplicate, conflict)
    ) e JOIN :"internal".series s USING (series_id)
  ) d
  GROUP BY device_id ORDER BY sum(stored) + sum(duplicate) + sum(conflict) DESC, device_id LIMIT $1`;

/** `workers`: how the client ids of the daemon's workers begin. */
export async function accountDetail(
  client: Client,
  { schema, clientId, workers }: Pick<SinkOptions, 'schema' | 'clientId'> & { readonly workers: string },
  wanted: AccountQuery,
): Promise<AccountDetail> {
  const names = schemaNames(schema);
  const ask = async (sql: string, values: readonly unknown[]): Promise<QueryResultRow[]> =>
    (await client.query<QueryResultRow>(withNames(sql, names), [...values])).rows;
  const { minutes, conflicts, devices } = wanted;
  return {
    ...(minutes > 0 && { minutes: (await ask(MINUTES, [clientId, workers, minutes])).map(minuteFrom) }),
    ...(conflicts > 0 && { conflicts: (await ask(CONFLICTS, [conflicts])).map(conflictFrom) }),
    ...(devices > 0 && { devices: (await ask(DEVICES, [devices])).map(deviceFrom) }),
  };
}

function minuteFrom(row: QueryResultRow): MinuteSums {
  const group = (prefix: string) =>
    Object.fromEntries(
      COUNTS.filter((count) => count.startsWith(prefix)).map((count) => [
        count.slice(prefix.length),
        Number(row[count]),
      ]),
    );
  return {
    minute: (row['minute'] as Date).toISOString(),
    messages: group('messages_') as MinuteSums['messages'],
    points: group('points_') as MinuteSums['points'],
  };
}

function conflictFrom(row: QueryResultRow): SeriesConflict {
  return {
    device_id: String(row['device_id']),
    metric_name: String(row['metric_name']),
    conflicts: Number(row['conflicts']),
    last_at: (row['last_at'] as Date).toISOString(),
  };
}

function deviceFrom(row: QueryResultRow): DeviceSums {
  return {
    device_id: String(row['device_id']),
    stored: Number(row['stored']),
    duplicate: Number(row['duplicate']),
    conflict: Number(row['conflict']),
  };
}
