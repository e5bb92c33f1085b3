import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { type Moments, moment, momentsFrom } from './moments.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';
import { isVisible, noSuchDevice, unknownDevice, type Visible } from './unknown-device.ts';

export interface AnomalyQuestion {
  readonly deviceId: string;
  readonly metricName: string;
  /** Microseconds: how far back the points reach that say what is usual. */
  readonly baseline: number;
  /** Microseconds: how far back points are looked at. */
  readonly window: number;
  /** Deviations beyond which a point is an anomaly. */
  readonly threshold: number;
  readonly method: 'zscore' | 'mad';
  readonly limit: number;
  readonly visible: Visible;
}

/** The centre and the deviation of what is usual, as the method says. */
export interface Baseline {
  /** Those that were counted: finite ones of at most 1e140. */
  readonly points: number;
  readonly mean: number | null;
  readonly stddev: number | null;
}

export interface Anomaly {
  /** ISO 8601. */
  readonly timestamp: string;
  readonly value: number;
  readonly mean: number;
  readonly stddev: number;
  readonly z_score: number;
}

interface NumberSeries {
  readonly id: string;
  readonly aggregated: boolean;
  /** Microseconds since 1970. */
  readonly now: number;
}

/** Makes the median absolute deviation of normally distributed values their standard deviation. */
const MAD_TO_DEVIATION = 1.4826;

/** Finds points that are far from what a series usually holds. Rejects as QueryPool does. */
export class Anomalies {
  readonly #pool: QueryPool;

  constructor(pool: QueryPool) {
    this.#pool = pool;
  }

  /** The newest ones first. Throws `device_unknown`; `usage` where the metric is text. Cut off where `signal` aborts. */
  async find(
    question: AnomalyQuestion,
    signal?: AbortSignal,
  ): Promise<{ readonly baseline: Baseline; readonly anomalies: readonly Anomaly[] }> {
    const { deviceId, metricName, method } = question;
    // PostgreSQL holds no such text.
    if (deviceId.includes('\0')) throw noSuchDevice(deviceId);
    const { names } = this.#pool;
    return await this.#pool.lend(async (client) => {
      // One moment and one state of the data for all that follows.
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const series = await this.#series(client, deviceId, metricName, question.visible);
      // A point exactly so old is not part of it.
      const from = series === null ? 0 : series.now - question.baseline + 1;
      let moments: Moments = { count: 0, mean: null, stddev: null, constant: null };
      if (series !== null) {
        const read = method === 'mad' ? median : momentsFrom;
        moments = await read(client, names, series, from);
      }
      const anomalies = series === null ? [] : await beyond(client, names, series, moments, question);
      await client.query('COMMIT');
      const { count, mean, stddev, constant } = moments;
      return {
        baseline: { points: count, mean, stddev: constant === true && count > 1 ? 0 : stddev },
        anomalies,
      };
    }, signal);
  }

  /** Null where the device has no such metric. */
  async #series(
    client: Client,
    deviceId: string,
    metricName: string,
    visible: Visible,
  ): Promise<NumberSeries | null> {
    const { rows } = await client.query<{
      series_id: string | null;
      is_text: boolean | null;
      aggregated: boolean;
      now: string;
    }>(
      withNames(
        `SELECT s.series_id, s.is_text, s.aggregated, (extract(epoch FROM now()) * 1000000)::bigint AS now
         FROM (SELECT FROM :"internal".series WHERE device_id = $1 AND ${isVisible('$1', '$3')} LIMIT 1) device
         LEFT JOIN :"internal".series s ON s.device_id = $1 AND s.metric_name = $2
         ORDER BY s.is_text`,
        this.#pool.names,
      ),
      [deviceId, metricName, visible],
    );
    const [found] = rows;
    if (found === undefined) throw await unknownDevice(client, this.#pool.names, deviceId, visible);
    if (found.series_id === null) return null;
    if (found.is_text === true) {
      throw new TidegateError('usage', `metric_name: ${JSON.stringify(metricName)} is text`);
    }
    return { id: found.series_id, aggregated: found.aggregated, now: Number(found.now) };
  }
}

/** The median, and the median distance from it in terms of a standard deviation, out of the points themselves. */
async function median(
  client: Client,
  names: SchemaNames,
  { id }: NumberSeries,
  from: number,
): Promise<Moments> {
  const { rows } = await client.query<{ count: string; median: number | null; mad: number | null }>(
    withNames(
      `WITH usual AS MATERIALIZED (
         SELECT value FROM :"internal".points_between($1, ${moment('$2')}, 'infinity') WHERE abs(value) <= 1e140
       ), centre AS (
         SELECT count(*) AS count, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median FROM usual
       )
       SELECT count, median,
         (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(value - median)) FROM usual) AS mad
       FROM centre`,
      names,
    ),
    [id, from],
  );
  const { count = '0', median: mean = null, mad = null } = rows[0] ?? {};
  return {
    count: Number(count),
    mean,
    stddev: Number(count) > 1 && mad !== null ? MAD_TO_DEVIATION * mad : null,
    constant: null,
  };
}

/** Nothing is beyond no deviation: with all points equal, or a single one, there is nothing to compare with. */
async function beyond(
  client: Client,
  names: SchemaNames,
  { id, now }: NumberSeries,
  { mean, stddev, constant }: Moments,
  { window, threshold, limit }: AnomalyQuestion,
): Promise<Anomaly[]> {
  if (mean === null || stddev === null || stddev === 0 || constant === true) return [];
  const { rows } = await client.query<{ timestamp: string; value: number }>(
    withNames(
      `SELECT to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp, value
       FROM :"internal".points_between($1, ${moment('$2')}, 'infinity')
       WHERE abs(value - $3::double precision) > $4::double precision
       ORDER BY ts DESC LIMIT $5`,
      names,
    ),
    [id, now - window + 1, mean, threshold * stddev, limit],
  );
  return rows.map(({ timestamp, value }) => ({
    timestamp,
    value,
    mean,
    stddev,
    z_score: Math.abs(value - mean) / stddev,
  }));
}
