import type { ChunkPolicy } from './chunk-map.ts';
import type { connect, DatabaseUrl } from './connection.ts';
import type { DeadLetterKeeper } from './dead-letter-store.ts';
import type { EngineName } from './engine-choice.ts';
import type { OnDuplicate } from './rows.ts';
import type { UnitChange } from './series-descriptions.ts';

export interface SinkOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
  readonly clientId: string;
  /** Milliseconds. */
  readonly statementTimeout: number;
  readonly onDuplicate: OnDuplicate;
  readonly maxSeries: number;
  readonly chunks: ChunkPolicy;
  /** So many points of a series in one batch are stored as segments at once; 0: none. Default: 16. Engine `postgres`. */
  readonly denseFrom?: number;
  /** As recorded in the database. Default: postgres. */
  readonly engine?: EngineName;
  /** Default: they become rows of dead_letters. */
  readonly deadLetters?: DeadLetterKeeper;
  /** Whose births and deaths of edge nodes these are. Default: of `clientId`. */
  readonly edgesOf?: string;
  /** Whether no other writer is at work while texts are written: what others know to be the latest may change. */
  readonly textsAlone?: boolean;
  /** Milliseconds that a row of the journal stays at least while anybody follows it (`FOLLOW`). Default: 0. */
  readonly foldAfter?: number;
  /** Whether batches may come to lie in a spool, where a later life asks what became of them. Default: false. */
  readonly spools?: boolean;
  /**
   * What messages say of series beside points: the newest wins (default), or it only adds what is unknown, where they were
   * received long before and writers that do not hear of it know better.
   */
  readonly describes?: 'newest' | 'unknown';
  readonly onUnitChange?: (change: UnitChange) => void;
  /** Opens a connection; only tests give another one. */
  readonly connect?: typeof connect;
}

/** Of the journal: rows that may still be asked for. */
export interface HeldRows {
  /** The records of the spool that are being drained. */
  readonly records: ReadonlySet<string>;
  /** Whether the spool may hold batches that an earlier life wrote. */
  readonly earlier: boolean;
}

export const NOTHING_HELD: HeldRows = { records: new Set(), earlier: false };
