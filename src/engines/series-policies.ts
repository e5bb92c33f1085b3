import { hash } from 'node:crypto';
import type { Client } from 'pg';
import { fenced } from '../postgres/fence.ts';
import { type SchemaNames, withNames } from '../postgres/names.ts';
import type { JobContext } from '../scheduler/types.ts';
import type { SeriesPolicy } from './engine.ts';
import { matchingPolicy } from './policy-match.ts';

const JOB = 'aggregates';
/** Series that one transaction looks at. */
const SERIES = 5_000;

interface SeriesRow {
  readonly series_id: string;
  readonly device_id: string;
  readonly metric_name: string;
  readonly route: string | null;
  readonly aggregated: boolean;
}

/** What an engine does with the rows that it keeps of a series, within a transaction. */
export interface SeriesRows {
  /** All of them, from the series' points. */
  recompute(client: Client, names: SchemaNames, seriesId: string): Promise<unknown>;
  drop(client: Client, names: SchemaNames, seriesIds: readonly string[]): Promise<unknown>;
}

/** Another one for other policies. */
export function versionOf(policies: readonly SeriesPolicy[]): string {
  return hash('sha256', JSON.stringify(policies)).slice(0, 16);
}

/**
 * Writes down what the policies say of the series that were not looked at under this `version`: new ones, or all of them
 * where the policies changed. A series that gets no aggregates any more loses its rows; one that gets them again is
 * computed from all of its points. What else changes holds for what is computed from now on. Resolves to how many series
 * were looked at.
 */
export async function applySeriesPolicies(
  client: Client,
  names: SchemaNames,
  policies: readonly SeriesPolicy[],
  version: string,
  context: JobContext,
  kept: SeriesRows,
): Promise<number> {
  const inTransaction = async <T>(work: () => Promise<T>): Promise<T> => {
    context.signal.throwIfAborted();
    return await fenced(client, names, JOB, context.epoch, work);
  };
  // Each page goes on where the one before ended: from the beginning it would go through all that are done by now.
  for (let looked = 0, last = '0'; ; ) {
    const { rows } = await client.query<SeriesRow>(
      withNames(
        `SELECT series_id, device_id, metric_name, route, aggregated FROM :"internal".series
         WHERE series_id > $2 AND policy_version IS DISTINCT FROM $1 AND NOT is_text ORDER BY series_id LIMIT ${SERIES}`,
        names,
      ),
      [version, last],
    );
    const end = rows.at(-1);
    if (end === undefined) return looked;
    last = end.series_id;
    const matches = rows.map((row) => ({
      row,
      policy: matchingPolicy(policies, row.device_id, row.metric_name, row.route),
    }));
    const on = matches.filter(({ row, policy }) => !row.aggregated && (policy?.aggregates ?? true));
    const off = matches.filter(({ row, policy }) => row.aggregated && policy?.aggregates === false);
    for (const { row, policy } of on) {
      await inTransaction(async () => {
        await record(client, names, [row], [policy], version);
        await kept.recompute(client, names, row.series_id);
      });
    }
    await inTransaction(async () => {
      await record(
        client,
        names,
        rows,
        matches.map(({ policy }) => policy),
        version,
      );
      await kept.drop(
        client,
        names,
        off.map(({ row }) => row.series_id),
      );
    });
    looked += rows.length;
  }
}

async function record(
  client: Client,
  names: SchemaNames,
  rows: readonly SeriesRow[],
  policies: readonly (SeriesPolicy | null)[],
  version: string,
): Promise<void> {
  const seconds = (milliseconds: number | null | undefined): number | null =>
    milliseconds == null ? null : milliseconds / 1000;
  await client.query(
    withNames(
      `UPDATE :"internal".series s SET policy_version = $1, aggregated = p.aggregated,
         raw_retention = make_interval(secs => p.retention), counter_tolerance = p.tolerance,
         counter_rollover = p.rollover, longest_hold = coalesce(make_interval(secs => p.hold), '1 day')
       FROM unnest($2::bigint[], $3::boolean[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
         AS p (series_id, aggregated, retention, tolerance, rollover, hold)
       WHERE s.series_id = p.series_id`,
      names,
    ),
    [
      version,
      rows.map(({ series_id: id }) => id),
      policies.map((policy) => policy?.aggregates ?? true),
      policies.map((policy) => seconds(policy?.retention)),
      policies.map((policy) => policy?.counterTolerance ?? 0),
      policies.map((policy) => policy?.counterRollover ?? null),
      policies.map((policy) => seconds(policy?.longestHold)),
    ],
  );
}
