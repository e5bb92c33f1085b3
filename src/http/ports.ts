import type { Static } from 'typebox';
import type { IngestStats } from '../pipeline/types.ts';
import type { JobRunAnswer, JobsAnswer } from '../scheduler/answer.ts';
import type { JobReport } from '../scheduler/types.ts';
import type { AccountQuerySchema, ChunkSchema, CompressionSchema, IngestStatsSchema } from './schemas.ts';

export interface Check {
  readonly ok: boolean;
  /** For anybody who reaches the port: no secrets. */
  readonly detail: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** By name: broker, database, queue, scheduler. */
  readonly checks: Readonly<Record<string, Check>>;
}

/** Chunks as the engine tells of them; names that it does not know are a `chunk_unknown`. */
interface ChunkPorts {
  list(): Promise<readonly ChunkShown[]>;
  compress(name: string): Promise<JobReport>;
  decompress(name: string): Promise<JobReport>;
  compression(): Promise<readonly CompressionShown[]>;
}
type ChunkShown = Static<typeof ChunkSchema>;
type CompressionShown = Static<typeof CompressionSchema>['data'][number];

export type AccountWanted = Static<typeof AccountQuerySchema>;
type AccountSchema = Static<typeof IngestStatsSchema>;
type AccountShown = {
  readonly [Part in 'minutes' | 'conflicts' | 'devices']?: readonly NonNullable<
    AccountSchema[Part]
  >[number][];
};

/** What the endpoints show; whoever composes the daemon hands it in. */
export interface HttpPorts {
  ready(): Readiness;
  metricsText(): Promise<{ readonly body: string; readonly contentType: string }>;
  ingestStats(wanted: AccountWanted): Promise<IngestStats & AccountShown>;
  /** With at most so many runs of each job. */
  jobs(history: number): Promise<JobsAnswer>;
  readonly chunks: ChunkPorts;
  /** Runs a job to its end. */
  runJob(name: string): Promise<JobRunAnswer | 'unknown' | 'running'>;
}
