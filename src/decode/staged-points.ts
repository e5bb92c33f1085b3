import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';

const FIRST_CAPACITY = 4096;
/** A message that is long enough to be staged often has ten thousands of points. */
const GROWTH = 4;

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
  #devices = Array.from<string>({ length: FIRST_CAPACITY }).fill('');
  #metrics = Array.from<string>({ length: FIRST_CAPACITY }).fill('');
  /** What was said of the series of the point just written. */
  #metas = Array.from<SeriesMeta | null>({ length: FIRST_CAPACITY }).fill(null);
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
    let other = 0;
    for (let row = 0; row < this.#length; row++) {
      other += this.#tell(row, this.#told[row] as number, other, out);
      const meta = this.#metas[row] as SeriesMeta | null;
      if (meta !== null) out.describe(meta);
    }
    this.clear();
  }

  /** Returns how many of the others it took. */
  #tell(row: number, told: number, other: number, out: PointWriter): number {
    const others = this.#others;
    const device = this.#devices[row] as string;
    const metric = this.#metrics[row] as string;
    const time = this.#times[row] as number;
    switch (told) {
      case TEXT:
      case CHANGED_TEXT:
        out.text(device, metric, time, others[other] as string, told === CHANGED_TEXT);
        return 1;
      case COLUMN: {
        const kind = KINDS[this.#values[row] as number] as NumberKind;
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
      case NOTHING:
        return 0;
      default:
        out.number(device, metric, time, this.#values[row] as number, KINDS[told] as NumberKind);
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
    this.#devices = enlarged(this.#devices, '');
    this.#metrics = enlarged(this.#metrics, '');
    this.#metas = enlarged(this.#metas, null);
    this.#told = told;
    this.#times = times;
    this.#values = values;
  }
}

/** Longer: an array that is filled up to its length is not made anew at each message. */
function enlarged<T>(column: readonly T[], nothing: T): T[] {
  const copies = Array.from<readonly T[]>({ length: GROWTH - 1 }).fill(column);
  // Of the first message in a process a third went here, while each element was made by Array.from.
  return column.concat(...copies).fill(nothing, column.length);
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
