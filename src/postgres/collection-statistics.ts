import type { QueryResultRow } from 'pg';
import { KeptReading } from './kept-reading.ts';
import { withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';

/** Times in ISO 8601, null where there is no point. */
interface Collected {
  readonly total_points: number;
  readonly device_count: number;
  readonly metric_count: number;
  readonly earliest_point: string | null;
  readonly latest_point: string | null;
}

interface Collection {
  readonly hour: Collected;
  readonly ever: Collected;
  /** When it was added up, in ISO 8601. */
  readonly asOf: string;
}

/** With 200,000 series it takes some 0.9 s: it is added up anew after 18 s then. */
const KEEP = 20;

export interface RateOfMinute {
  /** Its beginning, in ISO 8601. */
  readonly minute: string;
  readonly points: number;
  readonly points_per_second: number;
}

const time = (expression: string): string =>
  `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** The last hour is sixty whole minutes and the running one. */
const COLLECTION = `WITH hour AS (
    SELECT date_trunc('minute', now()) - interval '1 hour' AS since
  ), recent AS (
    SELECT coalesce(sum(points), 0) AS points, min(first_time) AS first_time, max(last_time) AS last_time
    FROM :"internal".collected_minutes, hour WHERE minute >= since
  ), names AS (
    SELECT grouping(metric_name) = 1 AS is_device, max(last_stored) AS last_stored, sum(points) AS points,
      min(first_time) AS first_time, max(last_time) AS last_time
    FROM :"internal".collected_series GROUP BY GROUPING SETS ((device_id), (metric_name))
  ), ever AS (
    SELECT coalesce(sum(points) FILTER (WHERE is_device), 0) AS points, count(*) FILTER (WHERE is_device) AS devices,
      count(*) FILTER (WHERE NOT is_device) AS metrics, min(first_time) AS first_time, max(last_time) AS last_time,
      count(*) FILTER (WHERE is_device AND last_stored >= since) AS recent_devices,
      count(*) FILTER (WHERE NOT is_device AND last_stored >= since) AS recent_metrics
    FROM names, hour
  )
  SELECT ${time('now()')} AS as_of, r.points AS hour_points, e.recent_devices AS hour_devices, e.recent_metrics AS hour_metrics,
    ${time('r.first_time')} AS hour_first, ${time('r.last_time')} AS hour_last,
    e.points AS ever_points, e.devices AS ever_devices, e.metrics AS ever_metrics,
    ${time('e.first_time')} AS ever_first, ${time('e.last_time')} AS ever_last
  FROM recent r, ever e`;

const RATES = `SELECT ${time('m.minute')} AS minute, coalesce(c.points, 0) AS points
  FROM generate_series(date_trunc('minute', now()) - make_interval(mins => $1::integer),
    date_trunc('minute', now()) - interval '1 minute', interval '1 minute') AS m (minute)
  LEFT JOIN :"internal".collected_minutes c USING (minute)
  ORDER BY m.minute`;

const PERFORMANCE = `SELECT query_type, execution_count::double precision, avg_duration_ms, p95_duration_ms, avg_result_count
  FROM :"schema".v_iot_query_performance ORDER BY avg_duration_ms DESC, query_type`;

/** Of one type of question, over the last day. */
export interface QueryPerformance {
  readonly query_type: string;
  readonly execution_count: number;
  readonly avg_duration_ms: number;
  readonly p95_duration_ms: number;
  readonly avg_result_count: number;
}

/** How much is collected, how fast, and how long questions take. Rejects as QueryPool does. */
export class CollectionStatistics {
  readonly #pool: QueryPool;
  readonly #collection: KeptReading<Collection>;

  /** `keep`: for how many times as long as it takes the collection is not added up anew. */
  constructor(pool: QueryPool, keep: number = KEEP) {
    this.#pool = pool;
    this.#collection = new KeptReading(() => this.#collected(), keep);
  }

  /** What was stored in the last hour, whatever its times, and what is held of all times. */
  async collection(): Promise<Collection> {
    return await this.#collection.ask();
  }

  /** Of so many whole minutes, those without a point too, in order. */
  async rates(minutes: number): Promise<readonly RateOfMinute[]> {
    const rows = await this.#ask(RATES, [minutes]);
    return rows.map((row) => ({
      minute: String(row['minute']),
      points: Number(row['points']),
      points_per_second: Number(row['points']) / 60,
    }));
  }

  /** The slowest type first. */
  async queries(): Promise<readonly QueryPerformance[]> {
    return await this.#ask<QueryPerformance & QueryResultRow>(PERFORMANCE);
  }

  async #collected(): Promise<Collection> {
    const [row = {}] = await this.#ask(COLLECTION);
    return {
      hour: collected(row, 'hour'),
      ever: collected(row, 'ever'),
      asOf: String(row['as_of']),
    };
  }

  async #ask<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const text = withNames(sql, this.#pool.names);
    return (await this.#pool.lend((client) => client.query<Row>(text, [...values]))).rows;
  }
}

function collected(row: QueryResultRow, prefix: 'hour' | 'ever'): Collected {
  const count = (what: string) => Number(row[`${prefix}_${what}`]);
  const when = (what: string) => row[`${prefix}_${what}`] as string | null;
  return {
    total_points: count('points'),
    device_count: count('devices'),
    metric_count: count('metrics'),
    earliest_point: when('first'),
    latest_point: when('last'),
  };
}
