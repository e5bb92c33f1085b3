import { WriteError } from '../../../src/errors.ts';
import { addTotals, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { partIds, totalsOf } from '../../../src/pipeline/batch.ts';
import {
  ARRIVAL,
  type Batch,
  type BatchTotals,
  type Sink,
  type WriteReport,
} from '../../../src/pipeline/types.ts';

/**
 * Up; down: every attempt fails at once; hanging: no answer until the attempt is given up; lost: commits, and fails;
 * lost in silence: commits, and hangs.
 */
export type Mode = 'up' | 'down' | 'hanging' | 'lost' | 'lost in silence';

/** What PostgreSQL and its sink do with numbers, in a few lines: keys, conflicts, arrival times that move, the journal of batches. */
export class ModelDatabase {
  mode: Mode = 'up';
  /** Values that no row may have. */
  readonly refused = new Set<number>();
  /** `device metric time` to the value. */
  readonly stored = new Map<string, number>();
  readonly totals: BatchTotals = emptyTotals();
  /** Batches that were tried, in order. */
  readonly tried: Batch[] = [];
  readonly #onDuplicate: 'keep_first' | 'keep_last';
  readonly #journal = new Map<string, BatchTotals>();

  constructor(onDuplicate: 'keep_first' | 'keep_last' = 'keep_first') {
    this.#onDuplicate = onDuplicate;
  }

  /** The sink of a new life of the daemon, which begins with `totals`. */
  open(): Sink {
    const earlier = new Set(this.#journal.keys());
    const inDoubt = new Set<string>();
    return {
      write: async (batch, signal) => {
        this.tried.push(batch);
        await Promise.resolve();
        if (this.mode === 'down') throw new WriteError('retry', '57P01', 'terminating connection');
        if (this.mode === 'hanging') return await hang(signal);
        const known = this.#known(batch, inDoubt, earlier);
        if (known !== null) return known;
        const report = this.#commit(batch);
        if (this.mode === 'up') return report;
        inDoubt.add(batch.id);
        if (this.mode === 'lost') throw new WriteError('retry', null, 'connection reset');
        return await hang(signal);
      },
    };
  }

  #known(batch: Batch, inDoubt: ReadonlySet<string>, earlier: ReadonlySet<string>): WriteReport | null {
    const { id, records, deliveries } = batch;
    if (records.length === 0 && !inDoubt.has(id)) return null;
    const whole = records.length > 1 ? records.map((record) => record.id) : [id];
    const before = whole.filter((one) => earlier.has(one)).length;
    if (whole.every((one) => this.#journal.has(one)) && (before === 0 || before === whole.length)) {
      const totals = emptyTotals();
      for (const one of whole) addTotals(totals, this.#journal.get(one) ?? emptyTotals());
      return { totals, refused: [], unchanged: 0, expired: 0, earlier: before > 0 };
    }
    for (const part of [...whole, ...partIds(id, deliveries.length)]) {
      if (this.#journal.has(part)) {
        throw new WriteError('isolate', null, 'a part of the batch was committed before');
      }
    }
    return null;
  }

  #commit(batch: Batch): WriteReport {
    const { points, series, messages } = batch;
    for (const value of points.value.subarray(0, points.length)) {
      if (this.refused.has(value)) throw new WriteError('isolate', '23514', 'violates a constraint');
    }
    const totals = totalsOf(batch);
    totals.points.stored += batch.texts.length;
    for (let row = 0; row < points.length; row++) {
      const { deviceId, metricName } = series[points.seriesIndex[row] as number] as (typeof series)[0];
      const value = points.value[row] as number;
      const keyAt = (time: number) => `${deviceId} ${metricName} ${time}`;
      let time = points.timestamp[row] as number;
      if (((points.flags[row] as number) & ARRIVAL) !== 0) while (this.stored.has(keyAt(time))) time++;
      const before = this.stored.get(keyAt(time));
      if (before === undefined) totals.points.stored++;
      else if (before === value) totals.points.duplicate++;
      else totals.points.conflict++;
      if (before === undefined || this.#onDuplicate === 'keep_last') this.stored.set(keyAt(time), value);
    }
    if (messages.outcome.length !== batch.deliveries.length) throw new TypeError('columns differ');
    this.#journal.set(batch.id, totals);
    for (const { id } of batch.records.slice(1)) this.#journal.set(id, emptyTotals());
    addTotals(this.totals, totals);
    return { totals, refused: [], unchanged: 0, expired: 0 };
  }
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
