import { WriteError } from '../errors.ts';
import type { Batch, Sink, WriteReport } from './types.ts';

/** Milliseconds. */
const SHORTEST = 10_000;
/** No write waits longer for an answer. */
export const LONGEST_PATIENCE = 600_000;
/** How much longer than the one before a write may take. */
const SLACK = 4;

/**
 * Gives up a write that finds no answer: its connection leads nowhere. A database that is only slow is given twice the
 * time after each such attempt, so that what is large gets through too.
 */
export class PatientSink implements Sink {
  readonly #sink: Sink;
  #patience = SHORTEST;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteReport> {
    const limit = new AbortController();
    const patience = this.#patience;
    const timer = setTimeout(() => {
      this.#patience = Math.min(patience * 2, LONGEST_PATIENCE);
      limit.abort(new WriteError('retry', null, `no answer for ${patience / 1000} s`));
    }, patience);
    const started = performance.now();
    try {
      const report = await this.#sink.write(batch, AbortSignal.any([signal, limit.signal]));
      const took = performance.now() - started;
      this.#patience = Math.min(Math.max(took * SLACK, SHORTEST), LONGEST_PATIENCE);
      return report;
    } finally {
      clearTimeout(timer);
    }
  }
}
