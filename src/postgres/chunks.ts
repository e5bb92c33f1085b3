import type { Client } from 'pg';

export type ChunkSource = 'points' | 'texts';

/** Microseconds since 1970, from <= time < to. */
export interface ChunkRange {
  readonly from: number;
  readonly to: number;
}

/** What writers no longer put points into: closing and opening ones, whose replaced points are written down, and sealed. */
export interface ClosedChunk extends ChunkRange {
  readonly state: 'closing' | 'sealed' | 'opening';
}

/** What a writer has to know of the chunks. Times in microseconds since 1970. */
export interface Chunks {
  /** Of the map in the database, as last seen: compared inside every writing transaction. Below 0: not seen yet. */
  readonly version: number;
  /** Whether an open chunk takes points of that time. */
  covers(source: ChunkSource, time: number): boolean;
  /** The chunk of points that covers a time and takes none any more: points of it are written late. */
  closed(time: number): ClosedChunk | undefined;
  /** Retention deletes what is older. */
  cut(source: ChunkSource): number;
  reload(client: Client): Promise<void>;
  /** Opens the chunks that these times need, where they are worth it. */
  open(client: Client, source: ChunkSource, times: ArrayLike<number>): Promise<void>;
  /** Opens the chunks of the near future, so that no batch has to wait for them. */
  openAhead(client: Client): Promise<void>;
}
