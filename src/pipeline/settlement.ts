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
    this.#tell(batch, report, seconds);
  }

  /** A batch that lay in the spool. */
  drained(batch: Batch, report: WriteReport, seconds: number): void {
    if (report.earlier === true) this.#sheet.drainedBefore(batch);
    else this.#sheet.drained(batch, report.totals);
    this.#tell(batch, report, seconds);
  }

  #tell(batch: Batch, report: WriteReport, seconds: number): void {
    const now = Date.now() * 1000;
    this.#lastCommitAt = now;
    for (const delivery of batch.deliveries) delivery.ack();
    const oldest = batch.deliveries[0]?.receivedAt ?? now;
    this.#observer.committed(batch, report, seconds, (now - oldest) / 1e6);
    for (const { code } of [...batch.deadLetters, ...report.refused]) this.#observer.deadLettered(code, 1);
    if (report.unchanged > 0) this.#observer.dropped('text_unchanged', report.unchanged);
    if (report.expired > 0) this.#observer.dropped('expired', report.expired);
  }
}
