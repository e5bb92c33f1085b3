import { SpoolError } from '../errors.ts';
import type { SpoolDropped, SpooledBatch } from '../pipeline/spool-types.ts';
import type { Logger } from '../pipeline/types.ts';
import { checksumOf, FILE_HEAD, RECORD_HEAD } from './frame.ts';
import { encodeBatch } from './record.ts';
import { appendRecords, createSegment, type Segment, segmentPath, type Unsealed } from './segment.ts';
import type { Segments } from './segments.ts';
import { tallyOf } from './tally.ts';
import { NOTHING, plus, type Totals, totalsOf } from './totals.ts';

/** Bytes kept free for the record that says what was dropped, and the head of its file. */
const TALLY_ROOM = 256;

export interface AppenderOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** Bytes after which a new file begins. */
  readonly fileBytes: number;
  readonly onFull: 'block' | 'drop_oldest';
  readonly logger: Logger;
}

interface Entry extends Unsealed {
  readonly totals: Totals;
}
interface Waiting extends Entry {
  readonly resolve: (dropped: SpoolDropped) => void;
  readonly reject: (error: SpoolError) => void;
}

/** The end of the spool that grows. Appends that wait at the same time are written and made durable together. */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #segments: Segments;
  readonly #waiting: Waiting[] = [];
  #nextNumber: number;
  #idle: Promise<void> = Promise.resolve();
  /** What was dropped and no append has told yet. */
  #untold: SpoolDropped = { messages: 0, points: 0 };

  constructor(options: AppenderOptions, segments: Segments, nextNumber: number) {
    this.#options = options;
    this.#segments = segments;
    this.#nextNumber = nextNumber;
  }

  async append(batch: SpooledBatch): Promise<SpoolDropped> {
    const entry = entryOf(batch, []);
    const { promise, resolve, reject } = Promise.withResolvers<SpoolDropped>();
    this.#waiting.push({ ...entry, resolve, reject });
    if (!this.#segments.writing) this.#idle = this.#flush();
    return await promise;
  }

  async idle(): Promise<void> {
    await this.#idle;
  }

  async #flush(): Promise<void> {
    this.#segments.writing = true;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let run: Waiting[] = [first];
      try {
        await this.#makeRoom(first.record.length);
        run = this.#waiting.slice(0, this.#fitting());
        await this.#write(run);
        for (const { resolve } of run) resolve(this.#tell());
      } catch (error) {
        for (const { reject } of run) reject(spoolError(error));
      }
      this.#waiting.splice(0, run.length);
    }
    this.#segments.writing = false;
  }

  async #makeRoom(length: number): Promise<void> {
    const { maxBytes, onFull, fileBytes } = this.#options;
    const room = maxBytes - (onFull === 'drop_oldest' ? TALLY_ROOM : 0) - FILE_HEAD;
    if (length > room) {
      throw new SpoolError('full', `a batch of ${length} bytes does not fit into a spool of ${maxBytes}`);
    }
    while (this.#segments.bytes + length > room) {
      const oldest = onFull === 'drop_oldest' ? this.#segments.droppable() : [];
      if (oldest.length === 0) throw new SpoolError('full', `the spool holds ${this.#segments.bytes} bytes`);
      const drop = this.#drop(oldest);
      this.#segments.dropping = drop.catch(() => {});
      await drop;
    }
    const end = this.#segments.active?.segment.end ?? 0;
    if (end + length > fileBytes) this.#segments.roll();
  }

  /** How many that wait, from the first, fit into the room and the file that the first was given. */
  #fitting(): number {
    const { maxBytes, onFull, fileBytes } = this.#options;
    let end = this.#segments.active?.segment.end ?? FILE_HEAD;
    let bytes = this.#segments.bytes + FILE_HEAD + (onFull === 'drop_oldest' ? TALLY_ROOM : 0);
    let count = 0;
    for (const { record } of this.#waiting) {
      end += record.length;
      bytes += record.length;
      if (count > 0 && (end > fileBytes || bytes > maxBytes)) break;
      count++;
    }
    return count;
  }

  /**
   * What is lost is written before it goes, by the number of its file: whenever the process ends, the loss is counted
   * once, and what was counted as lost is not drained.
   */
  async #drop(oldest: readonly Segment[]): Promise<void> {
    const { active } = this.#segments;
    if (active !== null && oldest.includes(active.segment)) this.#segments.roll();
    const lost = oldest.map(({ left }) => left).reduce(plus, NOTHING);
    const { messages, points } = lost;
    const numbers = oldest.map(({ number }) => number);
    await this.#write([entryOf(tallyOf(lost), numbers)]);
    this.#untold = { messages: this.#untold.messages + messages, points: this.#untold.points + points };
    this.#options.logger.warn(
      { files: numbers, messages, points },
      'the spool is full: dropped its oldest messages (spool.on_full: drop_oldest)',
    );
    for (const segment of oldest) await this.#removeDropped(segment);
  }

  /** It counts as gone already: what cannot be deleted now goes when the spool is opened again. */
  async #removeDropped(segment: Segment): Promise<void> {
    try {
      await this.#segments.remove(segment);
    } catch (error) {
      this.#segments.forget(segment);
      this.#options.logger.error(
        { file: segment.path, error },
        'a dropped file of the spool cannot be deleted',
      );
    }
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const { active } = this.#segments;
    if (active === null) {
      const number = this.#nextNumber++;
      const path = segmentPath(this.#options.path, number);
      const { segment, file } = await createSegment(this.#segments.folder, path, number, entries);
      this.#segments.begin(segment, file);
      for (const { totals } of entries) segment.left = plus(segment.left, totals);
      return;
    }
    const { segment, file } = active;
    try {
      segment.end = await appendRecords(file, segment, entries);
    } catch (error) {
      // After a failed fsync Linux takes the lost pages for written: this file's word counts no more.
      this.#segments.roll();
      throw error;
    }
    for (const { totals } of entries) segment.left = plus(segment.left, totals);
  }

  #tell(): SpoolDropped {
    const dropped = this.#untold;
    this.#untold = { messages: 0, points: 0 };
    return dropped;
  }
}

function entryOf(batch: SpooledBatch, drops: readonly number[]): Entry {
  const record = encodeBatch(batch, drops, RECORD_HEAD);
  return { record, checksum: checksumOf(record), totals: totalsOf(batch) };
}

function spoolError(error: unknown): SpoolError {
  if (error instanceof SpoolError) return error;
  return new SpoolError('failed', `the spool cannot be written: ${(error as Error).message}`, {
    cause: error,
  });
}
