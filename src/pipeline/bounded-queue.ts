import PQueue from 'p-queue';
import type { Batch } from './types.ts';

/**
 * Sealed batches on their way to the writers, in order. It counts the points and bytes that it holds until they are
 * written; the bound itself is kept by `Pressure`, which stops the intake.
 */
export class BoundedQueue {
  readonly #queue: PQueue;
  readonly #write: (batch: Batch, since: number) => Promise<void>;
  /**
   * Those whose turn has not come. Tasks of p-queue name none, as it keeps up to a hundred that are done for as long as others
   * wait: ten times what may be in hand.
   */
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #writeNext = async (): Promise<void> => await this.#waiting.shift()?.();
  #points = 0;
  #bytes = 0;
  readonly #batches = new Set<Batch>();

  /** `since`: when the batch was added, monotonic milliseconds. */
  constructor(writers: number, write: (batch: Batch, since: number) => Promise<void>) {
    this.#queue = new PQueue({ concurrency: writers });
    this.#write = write;
  }

  get points(): number {
    return this.#points;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get batches(): number {
    return this.#batches.size;
  }
  /** Whether a batch that is added now would be written at once. */
  get writerIdle(): boolean {
    return this.#queue.pending < this.#queue.concurrency && this.#queue.size === 0;
  }
  /** The batch that waits longest, or is being written. */
  get oldest(): Batch | undefined {
    return this.#batches.values().next().value;
  }

  /** Resolves when the batch is written; rejects with what writing threw. */
  async add(batch: Batch): Promise<void> {
    const points = batch.points.length + batch.texts.length;
    const since = performance.now();
    this.#batches.add(batch);
    this.#points += points;
    this.#bytes += batch.bytes;
    this.#waiting.push(() => this.#write(batch, since));
    try {
      await this.#queue.add(this.#writeNext);
    } finally {
      this.#batches.delete(batch);
      this.#points -= points;
      this.#bytes -= batch.bytes;
    }
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drained(): Promise<void> {
    await this.#queue.onIdle();
  }
}
