import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';

const FIRST_CAPACITY = 4096;
/** A message that has more than that has often ten thousands. */
const GROWTH = 16;
const NO_TEXTS: readonly string[] = Array.from<string>({ length: FIRST_CAPACITY }).fill('');
const NO_METAS: readonly (SeriesMeta | null)[] = Array.from<null>({ length: FIRST_CAPACITY }).fill(null);

const KINDS: readonly NumberKind[] = ['gauge', 'counter', 'state'];
/** What was told, in the order of KINDS for numbers. */
const [TEXT, CHANGED_TEXT, COLUMN, REJECTION, DROP, EDGE, NOTHING] = [3, 4, 5, 6, 7, 8, 9] as const;

/**
 * Keeps what a decoder writes of one message until it is known whether the message may be stored: decoding it once more would
 * take as long as the first time. Numbers in columns, without an object each.
 */
export class StagedPoints implements PointWriter {
  #length = 0;
  #told = new Uint8Array(FIRST_CAPACITY);
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #devices = [...NO_TEXTS];
  #metrics = [...NO_TEXTS];
  /** What was said of the series of the point just written. */
  #metas = [...NO_METAS];
  /** Of all that is no number, in order. */
  readonly #others: unknown[] = [];

  number(deviceId: string, metricName: string, timestamp: number, value: number, kind: NumberKind): void {
    const row = this.#push(KINDS.indexOf(kind), deviceId, metricName);
    this.#times[row] = timestamp;
    this.#values[row] = value;
  }

  numbers(
    deviceId: string,
    metricName: string,
    timestamps: Float64Array,
    values: Float64Array,
    kind: NumberKind,
  ): void {
    const row = this.#push(COLUMN, deviceId, metricName);
    this.#values[row] = KINDS.indexOf(kind);
    this.#others.push(timestamps, values);
  }

  text(deviceId: string, metricName: string, timestamp: number, value: string, changesOnly: boolean): void {
    const row = this.#push(changesOnly ? CHANGED_TEXT : TEXT, deviceId, metricName);
    this.#times[row] = timestamp;
    this.#others.push(value);
  }

  describe(meta: SeriesMeta): void {
    const latest = this.#length - 1;
    const row = latest < 0 || this.#metas[latest] !== null ? this.#push(NOTHING) : latest;
    this.#metas[row] = meta;
  }

  reject(code: DeadLetterCode, detail: string): void {
    this.#push(REJECTION);
    this.#others.push(code, detail);
  }

  drop(reason: DropReason): void {
    this.#push(DROP);
    this.#others.push(reason);
  }

  edge(event: EdgeEvent): void {
    this.#push(EDGE);
    this.#others.push(event);
  }

  /** Forgets it all. */
  clear(): void {
    this.#devices.fill('', 0, this.#length);
    this.#metrics.fill('', 0, this.#length);
    this.#metas.fill(null, 0, this.#length);
    this.#others.length = 0;
    this.#length = 0;
  }

  /** Tells it all in the same order, and forgets it. */
  moveTo(out: PointWriter): void {
    const [told, devices, metrics, metas] = [this.#told, this.#devices, this.#metrics, this.#metas];
    const [times, values] = [this.#times, this.#values];
    let other = 0;
    for (let row = 0; row < this.#length; row++) {
      const what = told[row] as number;
      const device = devices[row] as string;
      const metric = metrics[row] as string;
      const time = times[row] as number;
      const value = values[row] as number;
      if (what < KINDS.length) out.number(device, metric, time, value, KINDS[what] as NumberKind);
      else other += this.#tell(what, device, metric, time, value, other, out);
      const meta = metas[row] as SeriesMeta | null;
      if (meta !== null) out.describe(meta);
    }
    this.clear();
  }

  /** What is no single number. Returns how many of the others it took. */
  #tell(
    what: number,
    device: string,
    metric: string,
    time: number,
    value: number,
    other: number,
    out: PointWriter,
  ): number {
    const others = this.#others;
    switch (what) {
      case TEXT:
      case CHANGED_TEXT:
        out.text(device, metric, time, others[other] as string, what === CHANGED_TEXT);
        return 1;
      case COLUMN: {
        const kind = KINDS[value] as NumberKind;
        writeColumn(
          out,
          device,
          metric,
          others[other] as Float64Array,
          others[other + 1] as Float64Array,
          kind,
        );
        return 2;
      }
      case REJECTION:
        out.reject(others[other] as DeadLetterCode, others[other + 1] as string);
        return 2;
      case DROP:
        out.drop(others[other] as DropReason);
        return 1;
      case EDGE:
        out.edge?.(others[other] as EdgeEvent);
        return 1;
      default:
        return 0;
    }
  }

  #push(told: number, device = '', metric = ''): number {
    const row = this.#length++;
    if (row === this.#told.length) this.#grow();
    this.#told[row] = told;
    this.#devices[row] = device;
    this.#metrics[row] = metric;
    return row;
  }

  #grow(): void {
    const size = this.#told.length * GROWTH;
    const [told, times, values] = [new Uint8Array(size), new Float64Array(size), new Float64Array(size)];
    told.set(this.#told);
    times.set(this.#times);
    values.set(this.#values);
    this.#devices = enlarged(this.#devices, size, NO_TEXTS);
    this.#metrics = enlarged(this.#metrics, size, NO_TEXTS);
    this.#metas = enlarged(this.#metas, size, NO_METAS);
    this.#told = told;
    this.#times = times;
    this.#values = values;
  }
}

/** Filled up to its length, an array is not made anew at each message. */
function enlarged<T>(column: readonly T[], size: number, nothing: readonly T[]): T[] {
  // Of the first message in a process a third went here, while each element was made by Array.from.
  const rest = (size - column.length) / nothing.length;
  return column.concat(...Array.from<readonly T[]>({ length: rest }).fill(nothing));
}

function writeColumn(
  out: PointWriter,
  device: string,
  metric: string,
  times: Float64Array,
  values: Float64Array,
  kind: NumberKind,
): void {
  if (out.numbers !== undefined) {
    out.numbers(device, metric, times, values, kind);
    return;
  }
  for (let row = 0; row < values.length; row++) {
    out.number(device, metric, times[row] as number, values[row] as number, kind);
  }
}
