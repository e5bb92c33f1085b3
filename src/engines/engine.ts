import type { DatabaseUrl } from '../postgres/connection.ts';
import type { EngineName } from '../postgres/engine-choice.ts';
import type { HousekeepingPolicy } from '../postgres/housekeeping.ts';
import type { Job, JobReport } from '../scheduler/types.ts';

/** One chunk as people see it. Sizes in bytes, indexes included. */
export interface ChunkInfo {
  readonly name: string;
  /** points, texts, or the level of an aggregate. */
  readonly source: string;
  readonly state: string;
  /** ISO 8601, from <= time < to. */
  readonly range_start: string;
  readonly range_end: string;
  /** Late points of its range included. */
  readonly rows: number;
  /** Whether `rows` is what the server's statistics say. */
  readonly rows_estimated: boolean;
  readonly bytes: number;
  /** Before compression; null while it is not compressed. */
  readonly bytes_before: number | null;
  /** bytes_before / bytes; null while it is not compressed. */
  readonly ratio: number | null;
}

/** A compressed chunk's figures. */
export interface CompressionInfo {
  readonly chunk: string;
  readonly source: string;
  readonly points: number;
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly ratio: number;
}

/** What differs between the ways to keep chunks, aggregates, compression and retention; one contract for all. */
export interface Engine {
  readonly name: EngineName;
  /** Of the scheduler: chunks, aggregates, compression, retention. */
  readonly jobs: readonly Job[];
  chunks(): Promise<ChunkInfo[]>;
  /** By hand, whatever the policy says. Throws `chunk_unknown`, `chunk_state`. */
  compress(chunk: string): Promise<JobReport>;
  decompress(chunk: string): Promise<JobReport>;
  compression(): Promise<CompressionInfo[]>;
}

/** Milliseconds throughout; null is "never" or "for ever". */
export interface EngineOptions {
  /** Connects the jobs. `ownerUrl` is that of the role that owns the schema. */
  readonly url: DatabaseUrl;
  readonly ownerUrl: DatabaseUrl;
  readonly schema: string;
  readonly statementTimeout: number;
  readonly chunkInterval: number;
  readonly levels: Readonly<Record<LevelName, LevelPolicy>>;
  readonly series: readonly SeriesPolicy[];
  readonly compression: { readonly enabled: boolean; readonly after: number; readonly every: number };
  readonly retention: RetentionPolicy & { readonly every: number };
}

export type LevelName = '1min' | '15min' | '1hour' | '1day';

export interface LevelPolicy {
  readonly enabled: boolean;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly scheduleInterval: number;
}

/** The first one that matches a series holds for it; `*` in a glob stands for any characters. */
export interface SeriesPolicy {
  readonly route: string | null;
  readonly deviceId: string;
  readonly metricName: string;
  readonly aggregates: boolean;
  readonly retention: number | null;
  readonly counterTolerance: number;
  readonly counterRollover: number | null;
  readonly longestHold: number;
}

export interface RetentionPolicy extends HousekeepingPolicy {
  readonly raw: number | null;
  readonly text: number | null;
  readonly levels: Readonly<Record<LevelName, number | null>>;
}
