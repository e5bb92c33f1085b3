/** Ends for a pipeline: a source and an observer that write down what they are told, a sink that the test answers for. */

import { setImmediate as turn } from 'node:timers/promises';
import { addTotals, BalanceSheet, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { totalsOf } from '../../../src/pipeline/batch.ts';
import { Pipeline, type PipelineOptions } from '../../../src/pipeline/pipeline.ts';
import type { Spool } from '../../../src/pipeline/spool-types.ts';
import type { Batch, BatchTotals, Logger, Sink, WriteReport } from '../../../src/pipeline/types.ts';
import { scriptedDecoder, TAKE_ALL } from './messages.ts';

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The report of a sink that stored every point as a new one. */
export function storedAll(batch: Batch): WriteReport {
  const totals = totalsOf(batch);
  const stored = batch.points.length + batch.texts.length;
  addTotals(totals, { ...emptyTotals(), points: { ...emptyTotals().points, stored } });
  return { totals, refused: [], unchanged: 0, expired: 0 };
}

/** Writes that wait until the test ends them. */
export class HeldSink implements Sink {
  readonly writes: {
    readonly batch: Batch;
    readonly end: () => void;
    readonly fail: (error: unknown) => void;
  }[] = [];

  write(batch: Batch, signal: AbortSignal): Promise<WriteReport> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      this.writes.push({ batch, end: () => resolve(storedAll(batch)), fail: reject });
    });
  }
}

const OPTIONS: PipelineOptions = {
  writers: 1,
  batch: { maxPoints: 1_000, maxBytes: 1_000_000, maxWait: 1_000, minWait: 0, streamWait: 0 },
  pressure: { maxPoints: 10_000, maxBytes: 10_000_000, maxPause: 15_000 },
  admission: TAKE_ALL,
  qos0: 'drop_newest',
  seriesCache: 1_000,
  spoolAfter: 5_000,
};

export interface Started {
  readonly pipeline: Pipeline;
  /** What source and observer were told, in order. */
  readonly told: string[];
  readonly fatal: unknown[];
}

/** `spool`: what it holds is drained from the start; `before`: what the database held then. */
export function startPipeline(
  sink: Sink,
  options: Partial<PipelineOptions> = {},
  spool: Spool | null = null,
  before: BatchTotals = emptyTotals(),
): Started {
  const told: string[] = [];
  const fatal: unknown[] = [];
  const pipeline = new Pipeline(
    {
      source: {
        start: () => Promise.resolve(),
        pause: () => told.push('pause'),
        resume: () => told.push('resume'),
        disconnect: () => told.push('disconnect'),
        reconnect: () => told.push('reconnect'),
        stopReceiving: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
      decoder: scriptedDecoder,
      sink,
      spool: spool && { spool, beginEpoch: (epoch) => Promise.resolve(void told.push(`epoch ${epoch}`)) },
      sheet: new BalanceSheet('2026-01-01T00:00:00.000Z', before, spool?.state),
      observer: {
        sealed: (trigger, batch) => told.push(`sealed ${trigger} ${batch.deliveries.length}`),
        committed: (batch) => told.push(`committed ${batch.deliveries.length}`),
        writeFailed: (error, attempt, seconds) =>
          told.push(`failed ${error.action} ${attempt} ${seconds === null ? 'last' : 'again'}`),
        dropped: (reason, count) => told.push(`dropped ${reason} ${count}`),
        deadLettered: (code, count) => told.push(`dead ${code} ${count}`),
        spooled: (batch) => told.push(`spooled ${batch.deliveries.length}`),
        spoolFailed: ({ reason }) => told.push(`spool ${reason}`),
      },
      logger: silent,
      onFatal: (error) => fatal.push(error),
    },
    { ...OPTIONS, ...options },
  );
  pipeline.start();
  return { pipeline, told, fatal };
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await turn();
}
