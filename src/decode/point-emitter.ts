import type { DeadLetterCode } from '../errors.ts';
import type { PointWriter } from '../pipeline/types.ts';
import { isName, nameOf } from './names.ts';
import { excerpt, pathStep, rejectionDetail } from './place.ts';
import { readNumeral, readWord } from './scalar.ts';
import type { TopicMatch } from './router.ts';
import { NO_TIME, OUT_OF_RANGE, readTimestamp, UNREADABLE } from './timestamp.ts';

/** Bounds of a message; lengths of texts and names are in UTF-16 units. */
export interface DecodeLimits {
  readonly messageBytes: number;
  readonly pointsPerMessage: number;
  /** Levels of arrays and objects within one another. */
  readonly nesting: number;
  readonly nameLength: number;
  readonly textLength: number;
}

/**
 * Turns the values of one message into points: applies the route's words, globs and rules for text, checks names and ranges.
 * One for all messages, so that a point costs no object; the state is that of the current message and of its current item.
 */
export class PointEmitter {
  readonly limits: DecodeLimits;
  /** Points, and values that could not become points, of the current message. */
  count = 0;
  /** When the message arrived, in microseconds since 1970; NaN where nothing may go by that. */
  arrival = Number.NaN;
  #out: PointWriter | null = null;
  #match: TopicMatch | null = null;
  #deviceId = '';
  #time = NO_TIME;
  #list = '$';
  #index = -1;
  #inner = '';
  #row = -1;
  #timeAsSent: unknown;
  #deviceFault: DeadLetterCode | null = null;
  #deviceDetail = '';

  constructor(limits: DecodeLimits) {
    this.limits = limits;
  }

  /** Starts a message. Without `out` its points are only counted. */
  begin(match: TopicMatch, out: PointWriter | null): void {
    this.#match = match;
    this.#out = out;
    this.count = 0;
    this.at('$', -1, '');
    this.startItem();
  }

  /** Says where the values come from, for the details of rejections: `$.list`, `[3]` unless -1, `.inner`. */
  at(list: string, index: number, inner: string): void {
    this.#list = list;
    this.#index = index;
    this.#inner = inner;
  }

  /** Goes on within a key of the current place. */
  enter(key: string): void {
    this.#inner += pathStep(key);
  }

  startItem(): void {
    this.#deviceId = this.#match?.deviceId ?? '';
    this.#deviceFault = null;
    this.#time = NO_TIME;
    this.#row = -1;
  }

  /** A device_id that the payload names, for the points that follow. */
  setDevice(value: unknown, path: string): void {
    const id = nameOf(value);
    if (id === undefined) {
      this.#deviceFault = 'device_id_missing';
      this.#deviceDetail = `no device_id at ${path}`;
    } else if (id === null || !isName(id, this.limits.nameLength)) {
      this.#deviceFault = 'name_invalid';
      this.#deviceDetail = `the device_id at ${path} is ${excerpt(value)}`;
    } else {
      this.#deviceId = id;
    }
  }

  /** The time of the points that follow, as the payload has it. */
  setTime(value: unknown): void {
    this.#time = this.readTime(value);
    this.#timeAsSent = value;
  }

  /** By the rules of the route; see `readTimestamp`. */
  readTime(value: unknown): number {
    const plan = this.#match?.plan;
    return plan === undefined ? NO_TIME : readTimestamp(value, plan.route.time_unit, plan.zone);
  }

  selects(metricName: string): boolean {
    const selects = this.#match?.plan.selects;
    return selects === null || selects === undefined || selects(metricName);
  }

  /** One value of the payload; `key` says where in the item it is, where it is not the item itself. */
  point(metricName: string, value: unknown, key: string | null): void {
    if (value === null || !this.selects(metricName) || this.#rejectsItem(key)) {
      return;
    }
    if (isName(metricName, this.limits.nameLength)) {
      this.#value(metricName, value, key);
    } else {
      this.reject('name_invalid', `metric_name ${excerpt(metricName)}`, key);
    }
  }

  /** A metric's values with their times, as sent and as read; null is no value. */
  column(
    metricName: string,
    values: readonly unknown[],
    key: string | null,
    times: readonly unknown[],
    micros: Float64Array,
  ): void {
    if (!this.selects(metricName)) {
      return;
    }
    const named = isName(metricName, this.limits.nameLength);
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value === null) {
        continue;
      }
      this.#row = row;
      this.#time = micros[row] ?? NO_TIME;
      this.#timeAsSent = times[row];
      if (!named) {
        this.reject('name_invalid', `metric_name ${excerpt(metricName)}`, key);
      } else if (!this.#rejectsItem(key)) {
        this.#value(metricName, value, key);
      }
    }
    this.#row = -1;
    this.#time = NO_TIME;
  }

  /** Rejects the current item for its device_id or time, where no point of it (`since` that count) has done so. */
  settleItem(since: number): void {
    if (this.count === since) {
      this.#rejectsItem(null);
    }
  }

  reject(code: DeadLetterCode, what: string, key: string | null): void {
    this.count++;
    if (this.#out !== null) {
      const item = this.#index === -1 ? this.#list : `${this.#list}[${this.#index}]`;
      const place = item + this.#inner + (key === null ? '' : pathStep(key));
      const row = this.#row === -1 ? '' : `[${this.#row}]`;
      this.#out.reject(code, rejectionDetail(`${place}${row}: ${what}`));
    }
  }

  /** Whether the current item can have no points, for its device_id or time; rejects one if so. */
  #rejectsItem(key: string | null): boolean {
    if (this.#deviceFault !== null) {
      this.reject(this.#deviceFault, this.#deviceDetail, key);
    } else if (this.#time === UNREADABLE) {
      this.reject('timestamp_invalid', `the timestamp is ${excerpt(this.#timeAsSent)}`, key);
    } else if (this.#time === OUT_OF_RANGE) {
      this.reject('timestamp_out_of_range', `the timestamp is ${excerpt(this.#timeAsSent)}`, key);
    } else {
      return false;
    }
    return true;
  }

  #value(metricName: string, value: unknown, key: string | null): void {
    if (typeof value === 'number') {
      this.#number(metricName, value, key);
    } else if (typeof value === 'string') {
      this.#text(metricName, value, key);
    } else if (typeof value === 'boolean') {
      this.count++;
      this.#out?.number(this.#deviceId, metricName, this.#time, value ? 1 : 0, 'state');
    } else if (typeof value === 'bigint') {
      this.#number(metricName, Number(value), key);
    } else if (value === undefined) {
      this.reject('value_missing', 'no value', key);
    } else {
      this.reject('value_unsupported', `the value is ${excerpt(value)}`, key);
    }
  }

  #number(metricName: string, value: number, key: string | null): void {
    // JSON has no infinity: this one is a numeral beyond the doubles.
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
      this.reject('number_out_of_range', 'the number does not fit a double', key);
      return;
    }
    this.count++;
    this.#out?.number(this.#deviceId, metricName, this.#time, value, 'gauge');
  }

  /** Devices quote numbers and booleans often enough that a text is a number or a word first. */
  #text(metricName: string, text: string, key: string | null): void {
    const match = this.#match;
    if (match === null) {
      return;
    }
    const { words, route } = match.plan;
    const trimmed = text.trim();
    const numeral = readNumeral(trimmed);
    if (numeral === numeral && !words.numerals) {
      this.#number(metricName, numeral, key);
      return;
    }
    const word = readWord(words, trimmed);
    if (word === null) {
      return;
    }
    if (word !== undefined) {
      this.count++;
      this.#out?.number(this.#deviceId, metricName, this.#time, word.value, word.kind);
    } else if (numeral === numeral) {
      this.#number(metricName, numeral, key);
    } else if (route.on_text === 'drop') {
      this.count++;
      this.#out?.drop('text_dropped');
    } else if (text.length > this.limits.textLength) {
      this.reject('text_too_long', `a text of ${text.length} characters`, key);
    } else if (text.includes('\0')) {
      this.reject('text_nul', 'a text with a NUL', key);
    } else if (!text.isWellFormed()) {
      this.reject('text_not_unicode', 'a text with a lone surrogate', key);
    } else {
      this.count++;
      this.#out?.text(this.#deviceId, metricName, this.#time, text, route.on_text === 'store_changes');
    }
  }
}
