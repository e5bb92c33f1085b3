import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';
import type { Item } from './item.ts';
import { Place, rejectionDetail } from './place.ts';
import type { Tally } from './tally.ts';

/** A message whose every value is wrong must not take longer than one whose values are right. */
const DETAILED = 1000;

/** Where points, and values that could not become points, go: counted, and for the latter with their place. One for all messages. */
export class PointOutput {
  /** Null: they go nowhere. */
  out: PointWriter | null = null;
  /** Of the current message. */
  count = 0;
  /** Where the values come from. */
  readonly place = new Place();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  begin(out: PointWriter | null): void {
    this.out = out;
    this.count = 0;
  }

  number(item: Item, metricName: string, value: number, kind: NumberKind, meta: SeriesMeta | null): void {
    this.#count();
    this.out?.number(item.deviceId, metricName, item.time, value, kind);
    if (meta !== null) this.out?.describe(meta);
  }

  /** The first so many of the values, each of the metric at its place. */
  row(
    item: Item,
    metricNames: readonly string[],
    values: readonly number[],
    count: number,
    meta: SeriesMeta | null,
  ): void {
    const { out } = this;
    this.count += count;
    this.#tally.points(count);
    if (out === null) return;
    for (let at = 0; at < count; at++) {
      out.number(item.deviceId, metricNames[at] as string, item.time, values[at] as number, 'gauge');
      if (meta !== null) out.describe(meta);
    }
  }

  /** A column of numbers with times of their own. False, and nothing is written, where it has to be done point by point. */
  numbers(
    item: Item,
    metricName: string,
    times: Float64Array,
    values: Float64Array,
    meta: SeriesMeta | null,
  ): boolean {
    const { out } = this;
    if (out?.numbers === undefined) return false;
    this.count += values.length;
    this.#tally.points(values.length);
    out.numbers(item.deviceId, metricName, times, values, 'gauge');
    if (meta !== null) out.describe(meta);
    return true;
  }

  text(item: Item, metricName: string, text: string, changesOnly: boolean, meta: SeriesMeta | null): void {
    this.#count();
    this.out?.text(item.deviceId, metricName, item.time, text, changesOnly);
    if (meta !== null) this.out?.describe(meta);
  }

  /** A value that is not to be stored. */
  drop(reason: DropReason): void {
    this.#count();
    this.out?.drop(reason);
  }

  /** A value that cannot become a point; `key` says where in the item it is. */
  reject(code: DeadLetterCode, what: string, key: string | null): void {
    this.#count();
    this.out?.reject(
      code,
      this.count > DETAILED ? 'see those before' : rejectionDetail(`${this.place.describe(key)}: ${what}`),
    );
  }

  #count(): void {
    this.count++;
    this.#tally.points(1);
  }
}
