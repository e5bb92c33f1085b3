/** What devices send that gather: a JSON array of objects of a time and a value, of the one metric that the topic names. */

import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { itemBudget, valueBudget } from './budget.ts';
import { JsonNumeral } from './json-numeral.ts';

const [COMMA, COLON, SPACE] = [0x2c, 0x3a, 0x20];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
const TIME = Buffer.from('"timestamp"');
const VALUE = Buffer.from('"value"');

/** Bytes; a longer payload is read otherwise. */
const LONGEST = 65_536;
const LEAST_ROW_BYTES = '{"timestamp":1,"value":1},'.length;
const MOST_ROWS = Math.ceil(LONGEST / LEAST_ROW_BYTES);

const numeral = new JsonNumeral();

/** The rows as two columns: objects of their own would cost several times what is done with them. One for all messages. */
export class JsonRows {
  /** To be read anew where a row turns out to be no usual one. */
  payload: Buffer = Buffer.alloc(0);
  readonly #times = new Float64Array(MOST_ROWS);
  readonly #values = new Float64Array(MOST_ROWS);
  #length = 0;
  #at = 0;

  get times(): Float64Array {
    return this.#times.subarray(0, this.#length);
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** False where it is anything but an array of objects of these two members, both numbers as devices write them. */
  read(payload: Buffer): boolean {
    this.payload = payload;
    this.#length = 0;
    this.#at = 0;
    if (payload.length > LONGEST || !this.#passes(OPEN_BRACKET)) return false;
    do {
      if (!this.#readRow()) return false;
    } while (this.#passes(COMMA));
    return this.#passes(CLOSE_BRACKET) && this.#next() === undefined;
  }

  #readRow(): boolean {
    if (!this.#passes(OPEN_BRACE)) return false;
    const row = this.#length++;
    const timeFirst = this.#readMember(TIME, this.#times, row);
    if (!timeFirst && !this.#readMember(VALUE, this.#values, row)) return false;
    if (!this.#passes(COMMA)) return false;
    const isRow = timeFirst
      ? this.#readMember(VALUE, this.#values, row)
      : this.#readMember(TIME, this.#times, row);
    return isRow && this.#passes(CLOSE_BRACE);
  }

  /** Where it has another key, nothing is read. */
  #readMember(key: Buffer, column: Float64Array, row: number): boolean {
    const bytes = this.payload;
    this.#next();
    const start = this.#at;
    for (let index = 0; index < key.length; index++) {
      if (bytes[start + index] !== key[index]) return false;
    }
    this.#at = start + key.length;
    if (!this.#passes(COLON)) return false;
    this.#next();
    const value = numeral.read(bytes, this.#at);
    if (value !== value) return false;
    column[row] = value;
    this.#at = numeral.end;
    return true;
  }

  /** Goes past a byte, if that is what comes next. */
  #passes(byte: number): boolean {
    if (this.#next() !== byte) return false;
    this.#at++;
    return true;
  }

  /** Goes to the next byte that is no white space; undefined at the end. */
  #next(): number | undefined {
    const bytes = this.payload;
    let byte = bytes[this.#at];
    while (
      byte !== undefined &&
      byte <= SPACE &&
      (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09)
    ) {
      byte = bytes[++this.#at];
    }
    return byte;
  }
}

const rows = new JsonRows();

/** Null where the route wants more than that of an item, or the payload is another one. */
export function readRows(
  payload: Buffer,
  { limits, trace }: PointEmitter,
  match: TopicMatch,
): JsonRows | null {
  const { plan, deviceId, metricName } = match;
  const isAsked = plan.bare && plan.listed && plan.timestamp === null;
  if (!isAsked || trace !== null || deviceId === null || metricName === null) return null;
  if (!rows.read(payload)) return null;
  // As objects they must be within the limits, too.
  const { length } = rows.times;
  const fits = limits.nesting > 1 && length < itemBudget(limits) && 3 * length < valueBudget(limits);
  return fits ? rows : null;
}

/** False, and nothing is emitted, where the rows have to be looked at one by one. */
export function emitRows(
  { times, values }: JsonRows,
  { metricName }: TopicMatch,
  points: PointEmitter,
): boolean {
  const name = metricName as string;
  if (!points.selects(name)) return false;
  points.startItem();
  points.brings(name);
  const micros = points.room.take(times.length);
  points.readTimes(times, micros);
  return points.writesColumn(name, values, micros);
}
