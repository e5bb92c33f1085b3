import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';

/**
 * Lets only points through that carry a time: of a message that waited at the broker, the arrival says nothing about when
 * a value was measured.
 */
export class TimedOnly implements PointWriter {
  readonly #out: PointWriter;
  readonly #otherwise: 'skip' | 'dead_letter';

  constructor(out: PointWriter, otherwise: 'skip' | 'dead_letter') {
    this.#out = out;
    this.#otherwise = otherwise;
  }

  number(deviceId: string, metricName: string, timestamp: number, value: number, kind: NumberKind): void {
    if (Number.isNaN(timestamp)) this.#refuse(metricName);
    else this.#out.number(deviceId, metricName, timestamp, value, kind);
  }

  text(deviceId: string, metricName: string, timestamp: number, value: string, changesOnly: boolean): void {
    if (Number.isNaN(timestamp)) this.#refuse(metricName);
    else this.#out.text(deviceId, metricName, timestamp, value, changesOnly);
  }

  /** A point that was refused became a rejection or a drop: nothing is described then. */
  describe(meta: SeriesMeta): void {
    this.#out.describe(meta);
  }

  reject(code: DeadLetterCode, detail: string): void {
    this.#out.reject(code, detail);
  }

  drop(reason: DropReason): void {
    this.#out.drop(reason);
  }

  edge(event: EdgeEvent): void {
    this.#out.edge?.(event);
  }

  #refuse(metricName: string): void {
    if (this.#otherwise === 'skip') this.#out.drop('backlog_skipped');
    else this.#out.reject('backlog', `${metricName} has no time of its own`);
  }
}
