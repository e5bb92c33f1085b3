import { type FileHandle, unlink } from 'node:fs/promises';
import type { SpoolState } from '../pipeline/spool-types.ts';
import type { Segment } from './segment.ts';
import type { Totals } from './totals.ts';

/** Files dropped at once: as many as the record that counts them has room for. */
const MOST_DROPPED = 8;

/** The files of the spool, oldest first: what the two ends, appending and draining, know of each other. */
export class Segments {
  readonly folder: FileHandle;
  readonly #maxBytes: number;
  readonly #list: Segment[];
  #active: { readonly segment: Segment; readonly file: FileHandle } | null = null;
  /** The one whose record is being drained: it is not to be dropped. */
  reading: Segment | null = null;
  /** Whether an append is under way: the active file must stay. */
  writing = false;
  /** Settled once the files being dropped are gone, or stay. */
  dropping: Promise<void> = Promise.resolve();

  constructor(folder: FileHandle, maxBytes: number, list: Segment[]) {
    this.folder = folder;
    this.#maxBytes = maxBytes;
    this.#list = list;
  }

  /** Oldest first. */
  get list(): readonly Segment[] {
    return this.#list;
  }
  get first(): Segment | undefined {
    return this.#list[0];
  }
  /** The file that appends go to; null where the next one begins a new file. */
  get active(): { readonly segment: Segment; readonly file: FileHandle } | null {
    return this.#active;
  }
  /** On disk. */
  get bytes(): number {
    return this.#list.reduce((sum, { end }) => sum + end, 0);
  }
  get state(): SpoolState {
    const left = this.#list.map((segment) => segment.left);
    const sum = (count: (totals: Totals) => number): number =>
      left.reduce((total, totals) => total + count(totals), 0);
    return {
      batches: sum((totals) => totals.records),
      messages: sum((totals) => totals.messages),
      points: sum((totals) => totals.points),
      bytes: this.bytes,
      maxBytes: this.#maxBytes,
      oldestAt: left.find(({ oldestAt, messages }) => oldestAt !== null && messages > 0)?.oldestAt ?? null,
    };
  }

  /** The oldest file with messages that may be dropped, and those before it that only count what was dropped. */
  droppable(): readonly Segment[] {
    const oldest: Segment[] = [];
    for (const segment of this.#list) {
      if (segment === this.reading) continue;
      oldest.push(segment);
      if (segment.left.messages > 0) return oldest.slice(-MOST_DROPPED);
    }
    return [];
  }

  /** Until then it is not known which record is the oldest. */
  async dropsDone(): Promise<void> {
    for (let awaited: Promise<void> | null = null; awaited !== this.dropping; ) {
      awaited = this.dropping;
      await awaited;
    }
  }

  begin(segment: Segment, file: FileHandle): void {
    this.#list.push(segment);
    this.#active = { segment, file };
  }

  /** The next append begins a new file. */
  roll(): void {
    const file = this.#active?.file;
    this.#active = null;
    // What was written is durable already: closing has nothing left to say.
    void file?.close().catch(() => {});
  }

  forget(segment: Segment): void {
    const index = this.#list.indexOf(segment);
    if (index >= 0) this.#list.splice(index, 1);
  }

  /** Gives the file's space back; durable when it resolves. */
  async remove(segment: Segment): Promise<void> {
    await unlinkIfThere(segment.path);
    await this.folder.sync();
    this.forget(segment);
  }
}

/** A removal that failed half way is tried again. */
async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
