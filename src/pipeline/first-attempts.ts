import type { Batch, Sink, WriteReport } from './types.ts';

/** Knows of which batches the first attempt was the last: of those no attempt that was given up may still be reading. */
export class FirstAttempts implements Sink {
  readonly #sink: Sink;
  readonly #tried = new WeakSet<Batch>();
  readonly #taken = new WeakSet<Batch>();

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteReport> {
    const isFirst = !this.#tried.has(batch);
    this.#tried.add(batch);
    const report = await this.#sink.write(batch, signal);
    if (isFirst) this.#taken.add(batch);
    return report;
  }

  /** Whether it was written at the first attempt. */
  took(batch: Batch): boolean {
    return this.#taken.has(batch);
  }
}
