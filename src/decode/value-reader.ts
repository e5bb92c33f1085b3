import type { NumberKind } from '../pipeline/types.ts';
import { Instant } from './instant.ts';
import type { Item } from './item.ts';
import type { List } from './json-value.ts';
import type { MetricNaming } from './metric-naming.ts';
import type { MetricRule } from './metric-rules.ts';
import { excerpt } from './place.ts';
import type { NumberRoom } from './number-room.ts';
import type { PointOutput } from './point-output.ts';
import type { RoutePlan } from './route-plan.ts';
import { leadingNumeral, readNumeral, readWord } from './scalar.ts';

/** Reads values as the route wants them: its words, its rules for the metric, its way with texts. One for all messages. */
export class ValueReader {
  /** Whether the format can write infinities: one of JSON is a numeral beyond the doubles. */
  infinities = false;
  readonly #item: Item;
  readonly #naming: MetricNaming;
  readonly #output: PointOutput;
  readonly #textLength: number;
  readonly #room: NumberRoom;
  #plan: RoutePlan | null = null;

  /** The points are of the current item, and of the metric that was named last; `textLength`: UTF-16 units of a text. */
  constructor(item: Item, naming: MetricNaming, output: PointOutput, textLength: number, room: NumberRoom) {
    this.#room = room;
    this.#item = item;
    this.#naming = naming;
    this.#output = output;
    this.#textLength = textLength;
  }

  begin(plan: RoutePlan): void {
    this.#plan = plan;
  }

  /** Whatever the payload has; `key` says where in the item it is, where it is not the item itself. */
  read(metricName: string, value: unknown, key: string | null): void {
    if (this.#naming.rule?.read === 'text' && /^(?:number|boolean|bigint)$/.test(typeof value)) {
      this.#store(metricName, String(value), key);
    } else if (typeof value === 'string') {
      this.#text(metricName, value, key);
    } else if (typeof value === 'number') {
      this.#number(metricName, value, 'gauge', key);
    } else if (typeof value === 'boolean') {
      this.#number(metricName, value ? 1 : 0, 'state', key);
    } else if (typeof value === 'bigint') {
      this.#bigint(metricName, value, key);
    } else if (value instanceof Instant) {
      this.#number(metricName, value.micros / 1_000_000, 'gauge', key);
    } else if (value === undefined) {
      this.#output.reject('value_missing', 'no value', key);
    } else if (this.#plan?.route.on_nested !== 'skip') {
      this.#output.reject('value_unsupported', `the value is ${excerpt(value)}`, key);
    }
  }

  /**
   * Writes a column of which every value is a number that is stored as it is, at a time of its own. False, and nothing is
   * written, where it has to be looked at value by value.
   */
  writesColumn(metricName: string, column: List, micros: Float64Array): boolean {
    if (this.#naming.rule !== null || this.#plan?.route.value_is === 'unit') return false;
    const values = numbersOf(column, this.#room);
    if (values === null || !this.#item.takes(micros)) return false;
    return this.#output.numbers(this.#item, metricName, micros, values, this.#naming.meta);
  }

  /** One whose type the payload declares: a text is a text, whatever it reads like, and a number may be infinite. */
  readTyped(
    metricName: string,
    value: number | bigint | boolean | string,
    key: string,
    isLatest: boolean,
  ): void {
    const { rule } = this.#naming;
    if (typeof value === 'string' && rule !== null && (rule.words !== null || rule.read === 'number')) {
      this.#text(metricName, value, key);
    } else if (typeof value === 'string' || rule?.read === 'text') {
      this.#store(metricName, String(value), key, isLatest);
    } else {
      const kind = typeof value === 'boolean' ? 'state' : 'gauge';
      if (rule === null) this.#write(metricName, Number(value), kind);
      else this.#adapted(rule, metricName, Number(value), kind, key);
    }
  }

  #bigint(metricName: string, value: bigint, key: string | null): void {
    const number = Number(value);
    if (Number.isFinite(number)) {
      this.#number(metricName, number, 'gauge', key);
    } else {
      this.#output.reject('number_out_of_range', 'the number does not fit a double', key);
    }
  }

  #number(metricName: string, value: number, kind: NumberKind, key: string | null): void {
    if ((value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) && !this.infinities) {
      this.#output.reject('number_out_of_range', 'the number does not fit a double', key);
    } else if (this.#naming.rule === null) {
      this.#write(metricName, value, kind);
    } else {
      this.#adapted(this.#naming.rule, metricName, value, kind, key);
    }
  }

  #adapted(rule: MetricRule, metricName: string, sent: number, kind: NumberKind, key: string | null): void {
    if (rule.nulls?.has(sent) === true) {
      return;
    }
    const value = rule.adapt === null ? sent : rule.adapt(sent);
    if (Number.isFinite(sent) && !Number.isFinite(value)) {
      this.#output.reject('number_out_of_range', 'scaled, the number does not fit a double', key);
    } else {
      this.#write(metricName, value, rule.kind ?? kind);
    }
  }

  #write(metricName: string, value: number, kind: NumberKind): void {
    this.#output.number(this.#item, metricName, value, kind, this.#naming.meta);
  }

  /** Devices quote numbers and booleans often enough that a text is a number or a word first. */
  #text(metricName: string, text: string, key: string | null): void {
    const plan = this.#plan;
    if (plan === null) {
      return;
    }
    const { words } = plan;
    const trimmed = text.trim();
    const rule = this.#naming.rule;
    const state = rule?.words?.get(trimmed.toLowerCase());
    if (state !== undefined) {
      this.#number(metricName, state, 'state', key);
      return;
    }
    const numeral = rule?.read === 'number' ? leadingNumeral(trimmed) : readNumeral(trimmed);
    if (numeral === numeral && !words.numerals && rule?.read !== 'text') {
      this.#number(metricName, numeral, 'gauge', key);
      return;
    }
    const word = readWord(words, trimmed);
    if (word === null) {
      return;
    }
    if (rule?.read === 'text') {
      this.#store(metricName, text, key);
    } else if (word !== undefined) {
      if (rule === null) this.#write(metricName, word.value, word.kind);
      else this.#adapted(rule, metricName, word.value, word.kind, key);
    } else if (numeral === numeral) {
      this.#number(metricName, numeral, 'gauge', key);
    } else if (rule?.read === 'number') {
      this.#output.reject('value_unsupported', `${excerpt(text)}, where a number is expected`, key);
    } else {
      this.#store(metricName, text, key);
    }
  }

  #store(metricName: string, text: string, key: string | null, isLatest = true): void {
    const output = this.#output;
    const onText = this.#plan?.route.on_text;
    if (onText === 'drop') {
      output.drop('text_dropped');
    } else if (text.length > this.#textLength) {
      output.reject('text_too_long', `a text of ${text.length} characters`, key);
    } else if (text.includes('\0')) {
      output.reject('text_nul', 'a text with a NUL', key);
    } else if (!text.isWellFormed()) {
      output.reject('text_not_unicode', 'a text with a lone surrogate', key);
    } else {
      const changesOnly = isLatest && onText === 'store_changes';
      output.text(this.#item, metricName, text, changesOnly, this.#naming.meta);
    }
  }
}

/** A column that is finite numbers and nothing else; null where it is another one. */
function numbersOf(column: List, room: NumberRoom): Float64Array | null {
  if (column.length === 0 || !(Array.isArray(column) || column instanceof Float64Array)) return null;
  const values = column instanceof Float64Array ? column : room.take(column.length);
  if (values !== column) {
    for (let row = 0; row < column.length; row++) {
      const value: unknown = column[row];
      if (typeof value !== 'number') return null;
      values[row] = value;
    }
  }
  // What is finite less itself is 0; anything else is NaN.
  let sum = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    sum += value - value;
  }
  return sum === 0 ? values : null;
}
