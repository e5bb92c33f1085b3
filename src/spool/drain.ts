import { open } from 'node:fs/promises';
import { SpoolError } from '../errors.ts';
import type { SpooledBatch, SpoolRoom } from '../pipeline/spool-types.ts';
import type { Cursor } from './cursor.ts';
import type { DamageLog } from './damage.ts';
import { decodeBatch, summarise } from './record.ts';
import { RecordReader } from './record-reader.ts';
import type { Segment } from './segment.ts';
import type { Segments } from './segments.ts';
import { tallyOf } from './tally.ts';
import { plus, type Totals, without } from './totals.ts';

/** Records of one file that follow one another. */
interface Given {
  readonly batches: readonly SpooledBatch[];
  readonly totals: Totals;
  readonly segment: Segment;
  readonly end: number;
}

const ONE: SpoolRoom = { points: 0, bytes: 0 };

/** The end of the spool that shrinks: the oldest first. */
export class Drain {
  readonly #segments: Segments;
  readonly #cursor: Cursor;
  readonly #damage: DamageLog;
  #open: { readonly segment: Segment; readonly reader: RecordReader } | null = null;
  #given: Given | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(segments: Segments, cursor: Cursor, damage: DamageLog) {
    this.#segments = segments;
    this.#cursor = cursor;
    this.#damage = damage;
  }

  async next(room = ONE): Promise<readonly SpooledBatch[]> {
    return await this.#inTurn('read', async () => {
      this.#given ??= await this.#find(room);
      return this.#given?.batches ?? [];
    });
  }

  async consume(): Promise<void> {
    await this.#inTurn('consumed', async () => {
      const given = this.#given;
      if (given === null) throw new Error('nothing was taken from the spool that could be consumed');
      await this.#passBy(given);
      this.#given = null;
      this.#segments.reading = null;
    });
  }

  async close(): Promise<void> {
    await this.#inTurn('closed', () => this.#closeReader());
  }

  async #find(room: SpoolRoom): Promise<Given | null> {
    for (;;) {
      await this.#segments.dropsDone();
      const segment = this.#segments.first;
      if (segment === undefined) return null;
      if (segment.left.records > 0) {
        this.#segments.reading = segment;
        const given = await this.#read(segment);
        if (given !== null) return await this.#readOn(given, room);
        this.#segments.reading = null;
        continue;
      }
      if (segment === this.#segments.active?.segment) return null;
      await this.#remove(segment);
    }
  }

  /** What was damaged since it was counted is told by a tally, behind all that is sound; null where nothing is left. */
  async #read(segment: Segment): Promise<Given | null> {
    const reader = await this.#readerOf(segment);
    for (let at = segment.offset; ; ) {
      const size = segment.end;
      const found = await reader.read(at, size);
      if (found.kind === 'end' || found.kind === 'torn') {
        if (segment.end > size) continue;
        segment.offset = at;
        return segment.left.records === 0 ? null : lost(segment, at);
      }
      const record = found.kind === 'record' ? decoded(found.body) : null;
      if (record !== null) {
        const { totals } = record;
        segment.left = { ...segment.left, oldestAt: totals.oldestAt ?? segment.left.oldestAt };
        return { batches: [record.batch], totals, segment, end: found.end };
      }
      await this.#damage.found(segment.path, at, found.end);
      at = found.end;
    }
  }

  /** With the sound records behind that have messages, as long as there is room. */
  async #readOn(given: Given, room: SpoolRoom): Promise<Given> {
    const batches = [...given.batches];
    if (batches[0]?.messages.length === 0) return given;
    const reader = await this.#readerOf(given.segment);
    let [{ end, totals }, bytes] = [given, 0];
    for (;;) {
      const found = await reader.read(end, given.segment.end);
      if (found.kind !== 'record') break;
      const record = decoded(found.body);
      if (record === null || record.batch.messages.length === 0) break;
      bytes += found.end - end;
      const sum = plus(totals, record.totals);
      if (sum.points > room.points || bytes > room.bytes) break;
      batches.push(record.batch);
      [end, totals] = [found.end, sum];
    }
    return { ...given, batches, totals, end };
  }

  async #passBy({ segment, end, totals }: Given): Promise<void> {
    const last = segment.left.records === totals.records;
    const active = segment === this.#segments.active?.segment;
    if (last && active && !this.#segments.writing) this.#segments.roll();
    if (last && segment !== this.#segments.active?.segment) {
      await this.#remove(segment);
      return;
    }
    await this.#cursor.write({ number: segment.number, marker: segment.marker, offset: end });
    segment.offset = end;
    segment.left = without(segment.left, totals);
  }

  async #remove(segment: Segment): Promise<void> {
    if (this.#open?.segment === segment) await this.#closeReader();
    await this.#segments.remove(segment);
  }

  async #readerOf(segment: Segment): Promise<RecordReader> {
    if (this.#open?.segment !== segment) {
      await this.#closeReader();
      this.#open = { segment, reader: new RecordReader(await open(segment.path), segment.marker) };
    }
    return this.#open.reader;
  }

  async #closeReader(): Promise<void> {
    const reader = this.#open?.reader;
    this.#open = null;
    await reader?.close();
  }

  async #inTurn<T>(what: string, act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      throw new SpoolError('failed', `the spool cannot be ${what}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** What the file should still hold, and does not. */
function lost(segment: Segment, end: number): Given {
  const { left: totals } = segment;
  const { messages, points } = totals;
  return { batches: [{ ...tallyOf(totals), lost: { messages, points } }], totals, segment, end };
}

/** Null where the bytes are sound but say nothing: as good as damaged. */
function decoded(body: Buffer): { readonly batch: SpooledBatch; readonly totals: Totals } | null {
  try {
    return { batch: decodeBatch(body), totals: summarise(body).totals };
  } catch {
    return null;
  }
}
