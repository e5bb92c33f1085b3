import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';

/** A job of TimescaleDB on one of our tables whose last run failed. */
export interface FailingPolicy {
  readonly kind: string;
  readonly table: string;
  readonly failures: number;
  /** What the server recorded; null where that is gone. */
  readonly error: string | null;
}

/** How TimescaleDB's own jobs fare. */
export async function failingPolicies(client: Client, names: SchemaNames): Promise<FailingPolicy[]> {
  const { rows } = await client.query<{
    kind: string;
    table: string;
    failures: string;
    error: string | null;
  }>(
    withNames(
      `SELECT j.proc_name AS kind, j.hypertable_name AS "table", s.total_failures AS failures, (
         SELECT e.err_message FROM timescaledb_information.job_errors e
         WHERE e.job_id = j.job_id ORDER BY e.finish_time DESC LIMIT 1) AS error
       FROM timescaledb_information.jobs j JOIN timescaledb_information.job_stats s USING (job_id)
       WHERE j.hypertable_schema = :'internal' AND s.last_run_status = 'Failed' ORDER BY j.job_id`,
      names,
    ),
  );
  return rows.map((row) => ({ ...row, failures: Number(row.failures) }));
}

export function describeFailing({ kind, table, failures, error }: FailingPolicy): string {
  return `TimescaleDB's ${kind} of ${table} failed ${failures} times: ${error ?? 'no reason recorded'}`;
}
