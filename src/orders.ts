import type { Config } from './config/load.ts';
import type { Engine } from './engines/engine.ts';
import { Audit } from './postgres/audit.ts';
import type { JobRunAnswer } from './scheduler/answer.ts';
import type { JobReport, JobRun } from './scheduler/types.ts';
import { secretsOf, type Secrets } from './secrets.ts';

/** Orders given by hand, over HTTP or on the command line; `actor`: who, and from where. Each is kept in iot_audit. */

/** Throws as the engine does. */
export async function orderChunk(
  audit: Audit,
  engine: Engine,
  actor: string,
  action: 'compress' | 'decompress',
  chunk: string,
): Promise<JobReport> {
  return await audit.record(
    { actor, action: `${action} chunk`, subject: { chunk } },
    async () => await engine[action](chunk),
    ({ rows }) => ({ rows, error: null }),
  );
}

/** Passes on what `run` resolves to. */
export async function orderJob<Run extends JobRunAnswer | JobRun | 'unknown' | 'running' | null>(
  audit: Audit,
  actor: string,
  job: string,
  run: () => Promise<Run>,
): Promise<Run> {
  return await audit.record({ actor, action: 'run job', subject: { job } }, run, (done) => {
    if (done === null) return { rows: 0, error: 'running' };
    if (typeof done === 'string') return { rows: 0, error: done };
    return { rows: done.rows ?? 0, error: done.outcome === 'succeeded' ? null : (done.error ?? 'failed') };
  });
}

/** The actor of an order that the daemon of this configuration took over HTTP. */
export function overHttp(config: Config, asker: string): string {
  return `${asker} over HTTP of ${config.mqtt.client_id}`;
}

export function auditOf(config: Config, secrets: Secrets = secretsOf(config)): Audit {
  const { database } = config;
  return new Audit({
    url: secrets.databaseUrl,
    schema: database.schema,
    statementTimeout: database.statement_timeout,
  });
}
