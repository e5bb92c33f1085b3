import type { BalanceSheet } from './balance-sheet.ts';
import type { Batch, PipelineObserver, WriteReport } from './types.ts';

/** What follows a commit: the account, the acknowledgements, and telling whoever watches. */
export class Settlement {
  readonly #sheet: BalanceSheet;
  readonly #observer: PipelineObserver;
  #lastCommitAt: number | null = null;

  constructor(sheet: BalanceSheet, observer: PipelineObserver) {
    this.#sheet = sheet;
    this.#observer = observer;
  }

  /** Microseconds since 1970; null before the first. */
  get lastCommitAt(): number | null {
    return this.#lastCommitAt;
  }

  /** A batch that was in flight. */
  settle(batch: Batch, report: WriteReport, seconds: number): void {
    this.#sheet.settled(batch, report.totals);
    this.#tell(batch, report, seconds, (performance.now() - batch.openedAt) / 1000);
  }

  /** A batch that lay in the spool. */
  drained(batch: Batch, report: WriteReport, seconds: number): void {
    if (report.earlier === true) this.#sheet.drainedBefore(batch);
    else this.#sheet.drained(batch, report.totals);
    // Maybe since an earlier life, of which only the wall clock tells.
    const oldest = batch.deliveries[0]?.receivedAt ?? Number.POSITIVE_INFINITY;
    this.#tell(batch, report, seconds, Math.max(0, Date.now() / 1000 - oldest / 1e6));
  }

  #tell(batch: Batch, report: WriteReport, seconds: number, lagSeconds: number): void {
    this.#lastCommitAt = Date.now() * 1000;
    for (const delivery of batch.deliveries) delivery.ack();
    this.#observer.committed(batch, report, seconds, lagSeconds);
    for (const { code } of [...batch.deadLetters, ...report.refused]) this.#observer.deadLettered(code, 1);
    if (report.unchanged > 0) this.#observer.dropped('text_unchanged', report.unchanged);
    if (report.expired > 0) this.#observer.dropped('expired', report.expired);
    if (report.deleted) this.#observer.dropped('deleted', report.deleted);
  }
}
