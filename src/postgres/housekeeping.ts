import type { Client } from 'pg';
import { deleteInBatches } from './batched-delete.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Milliseconds; null keeps for ever. */
export interface HousekeepingPolicy {
  readonly deadLetters: number | null;
  readonly queryLog: number | null;
  readonly jobHistory: number | null;
}

/** Deletes what Tidegate writes about its own work, on every engine. Resolves to rows by what they were. */
export async function keepHouse(
  client: Client,
  names: SchemaNames,
  policy: HousekeepingPolicy,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const wanted = [
    ['dead letters', ':"internal".dead_letters', 'received_at', policy.deadLetters],
    ['query log', ':"schema".iot_query_logs', 'created_at', policy.queryLog],
    ['job runs', ':"internal".job_runs', 'outcome IS NOT NULL AND started_at', policy.jobHistory],
  ] as const;
  const deleted: Record<string, number> = {};
  for (const [what, table, column, retention] of wanted) {
    if (retention === null) continue;
    deleted[what] = await deleteInBatches(
      client,
      withNames(table, names),
      `${column} < now() - make_interval(secs => $1)`,
      [retention / 1000],
      signal,
    );
  }
  return deleted;
}
