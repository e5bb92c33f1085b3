import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';

/** So small that V8 makes the columns where it makes what lives shortly. */
const ROWS = 4096;
const NO_TEXTS: readonly string[] = Array.from<string>({ length: ROWS }).fill('');
const NO_METAS: readonly (SeriesMeta | null)[] = Array.from<null>({ length: ROWS }).fill(null);

const KINDS: readonly NumberKind[] = ['gauge', 'counter', 'state'];
/** What was told, in the order of KINDS for numbers. */
const [TEXT, CHANGED_TEXT, COLUMN, REJECTION, DROP, EDGE, NOTHING] = [3, 4, 5, 6, 7, 8, 9] as const;

/** Rows in columns; a copy of a filled array costs less than filling another. */
class Block {
  readonly told = new Uint8Array(ROWS);
  readonly times = new Float64Array(ROWS);
  readonly values = new Float64Array(ROWS);
  readonly devices = [...NO_TEXTS];
  readonly metrics = [...NO_TEXTS];
  /** What was said of the series of the point just written. */
  readonly metas = [...NO_METAS];
  length = 0;

  clear(): void {
    this.devices.fill('', 0, this.length);
    this.metrics.fill('', 0, this.length);
    this.metas.fill(null, 0, this.length);
    this.length = 0;
  }
}

/**
 * Keeps what a decoder writes of one message until it is known whether the message may be stored: decoding it once more would
 * take as long as the first time. Numbers in columns, without an object each.
 */
export class StagedPoints implements PointWriter {
  /** Those behind the one that is written are empty. */
  readonly #blocks: Block[] = [];
  #current = 0;
  #block = this.#blockAt(0);
  /** Of all that is no number, in order. */
  readonly #others: unknown[] = [];

  number(deviceId: string, metricName: string, timestamp: number, value: number, kind: NumberKind): void {
    const row = this.#push(KINDS.indexOf(kind), deviceId, metricName);
    this.#block.times[row] = timestamp;
    this.#block.values[row] = value;
  }

  numbers(
    deviceId: string,
    metricName: string,
    timestamps: Float64Array,
    values: Float64Array,
    kind: NumberKind,
  ): void {
    const row = this.#push(COLUMN, deviceId, metricName);
    this.#block.values[row] = KINDS.indexOf(kind);
    this.#others.push(timestamps, values);
  }

  text(deviceId: string, metricName: string, timestamp: number, value: string, changesOnly: boolean): void {
    const row = this.#push(changesOnly ? CHANGED_TEXT : TEXT, deviceId, metricName);
    this.#block.times[row] = timestamp;
    this.#others.push(value);
  }

  describe(meta: SeriesMeta): void {
    const latest = this.#block.length - 1;
    const row = latest < 0 || this.#block.metas[latest] !== null ? this.#push(NOTHING) : latest;
    this.#block.metas[row] = meta;
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
    for (let block = 0; block <= this.#current; block++) this.#blocks[block]?.clear();
    this.#others.length = 0;
    this.#begin(0);
  }

  /** Tells it all in the same order, and forgets it. */
  moveTo(out: PointWriter): void {
    let other = 0;
    for (let block = 0; block <= this.#current; block++) {
      other = this.#tellBlock(this.#blocks[block] as Block, other, out);
    }
    this.clear();
  }

  /** `other`: how many of the others were told. Returns how many are afterwards. */
  #tellBlock(block: Block, other: number, out: PointWriter): number {
    const { told, devices, metrics, metas, times, values, length } = block;
    let next = other;
    for (let row = 0; row < length; row++) {
      const what = told[row] as number;
      const device = devices[row] as string;
      const metric = metrics[row] as string;
      const time = times[row] as number;
      const value = values[row] as number;
      if (what < KINDS.length) out.number(device, metric, time, value, KINDS[what] as NumberKind);
      else next += this.#tell(what, device, metric, time, value, next, out);
      const meta = metas[row] as SeriesMeta | null;
      if (meta !== null) out.describe(meta);
    }
    return next;
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
    if (this.#block.length === ROWS) this.#begin(this.#current + 1);
    const block = this.#block;
    const row = block.length++;
    block.told[row] = told;
    block.devices[row] = device;
    block.metrics[row] = metric;
    return row;
  }

  #begin(index: number): void {
    this.#current = index;
    this.#block = this.#blockAt(index);
  }

  #blockAt(index: number): Block {
    return (this.#blocks[index] ??= new Block());
  }
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
