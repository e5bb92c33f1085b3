import { SpoolError } from '../errors.ts';
import type { Spool, SpoolDropped, SpooledBatch, SpoolRoom, SpoolState } from '../pipeline/spool-types.ts';
import type { Appender } from './appender.ts';
import type { Cursor } from './cursor.ts';
import type { DamageLog } from './damage.ts';
import type { Drain } from './drain.ts';
import type { Lock } from './lock.ts';
import type { Segments } from './segments.ts';
import { survey } from './survey.ts';

export interface SpoolParts {
  readonly segments: Segments;
  readonly appender: Appender;
  readonly drain: Drain;
  readonly cursor: Cursor;
  readonly damage: DamageLog;
  readonly lock: Lock;
}

/** Batches in the files of one folder (docs/adr/0016). Appending and draining do not wait for one another. */
export class FileSpool implements Spool {
  readonly #parts: SpoolParts;
  #closed = false;

  constructor(parts: SpoolParts) {
    this.#parts = parts;
  }

  get state(): SpoolState {
    return this.#parts.segments.state;
  }

  /** Places that could not be read, each of a record or more, since the spool was opened; and their bytes. */
  get damaged(): { readonly records: number; readonly bytes: number } {
    return this.#parts.damage.damaged;
  }

  /** All that it holds, oldest first; to be read before anything is appended or drained. */
  survey(): AsyncGenerator<SpooledBatch> {
    return survey(this.#parts.segments.list);
  }

  async append(batch: SpooledBatch): Promise<SpoolDropped> {
    if (this.#closed) throw new SpoolError('failed', 'the spool is closed');
    return await this.#parts.appender.append(batch);
  }

  async next(room?: SpoolRoom): Promise<readonly SpooledBatch[]> {
    return await this.#parts.drain.next(room);
  }

  async consume(): Promise<void> {
    await this.#parts.drain.consume();
  }

  /** Completes what is under way, and lets another process in. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { appender, drain, segments, cursor, lock } = this.#parts;
    await appender.idle();
    await drain.close();
    segments.roll();
    await cursor.close();
    await segments.folder.close();
    await lock.release();
  }
}
