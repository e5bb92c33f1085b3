import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';
import { failing } from './conditions.ts';
import { newScope } from './expression.ts';
import { MetricNaming } from './metric-naming.ts';
import type { MetricRule } from './metric-rules.ts';
import { type DecodeLimits, VISITS_PER_POINT } from './decode-limits.ts';
import { Instant } from './instant.ts';
import { Item } from './item.ts';
import type { List } from './json-value.ts';
import { excerpt, pathStep, Place, rejectionDetail } from './place.ts';
import { leadingNumeral, readNumeral, readWord } from './scalar.ts';
import type { RoutePlan } from './route-plan.ts';
import type { TopicMatch } from './router.ts';
import { EdgeNodes } from './sparkplug/edge-nodes.ts';
import { NO_TIME, OUT_OF_RANGE, readDigits, readTimestamp, UNREADABLE } from './timestamp.ts';
import type { Trace } from './trace.ts';

/** A message whose every value is wrong must not take longer than one whose values are right. */
const DETAILED = 1000;

/** Edge nodes that may become known where nobody keeps them. */
const FEW = { nodes: 1_000, metrics: 100_000 };

class TooManyPoints extends Error {}

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
  /** Of the message. */
  topic = '';
  /** When it arrived in any case, in microseconds since 1970; NaN where nobody says. */
  receivedAt = Number.NaN;
  /** Whether it was received and decoded before. */
  past = false;
  /** What earlier messages said of Sparkplug edge nodes. */
  readonly edges: EdgeNodes;
  /** Whether the format can write infinities: one of JSON is a numeral beyond the doubles. */
  infinities = false;
  /** What the route's expressions are followed in. */
  readonly scope = newScope();
  /** Null: nobody wants to know how points come about. */
  trace: Trace | null = null;
  #limit = Number.POSITIVE_INFINITY;
  readonly #naming = new MetricNaming();
  #out: PointWriter | null = null;
  #match: TopicMatch | null = null;
  readonly #item = new Item();
  readonly #place = new Place();
  #visits = 0;

  constructor(limits: DecodeLimits, edges: EdgeNodes = new EdgeNodes(FEW)) {
    this.limits = limits;
    this.edges = edges;
  }

  /** Whether points are only counted. */
  get counts(): boolean {
    return this.#out === null;
  }

  /** Starts a message. Without `out` its points are only counted. */
  begin(match: TopicMatch, out: PointWriter | null): void {
    this.#match = match;
    this.#out = out;
    this.count = 0;
    this.#naming.begin(match.plan);
    this.scope.captures = match.captures;
    this.scope.payload = undefined;
    this.scope.item = undefined;
    this.#visits = 0;
    this.at('$', -1, '');
    this.startItem();
  }

  /** Whether what `emit` does has at most so many points; ends it where it has more. */
  countsTo(limit: number, emit: () => void): boolean {
    this.#limit = limit;
    try {
      emit();
      return true;
    } catch (error) {
      if (error instanceof TooManyPoints) return false;
      throw error;
    } finally {
      this.#limit = Number.POSITIVE_INFINITY;
    }
  }

  /** Whether a message of this document holds what the route wants of it. */
  holds(plan: RoutePlan, document: unknown): boolean {
    this.scope.payload = document;
    this.scope.item = document;
    const why = failing(plan.conditions, this.scope);
    if (why !== null) this.trace?.passed.set(plan, why());
    return why === null;
  }

  /** Says where the values come from, for the details of rejections: `$.list`, `[3]` unless -1, `.inner`. */
  at(list: string, index: number, inner: string): void {
    this.#place.elsewhere = null;
    this.#place.list = list;
    this.#place.index = index;
    this.#place.inner = inner;
  }

  /** Goes on within a key of the current place. */
  enter(key: string): void {
    this.#place.inner += pathStep(key);
  }

  /** Goes on at what an expression names; `@` is the current item. */
  within(expression: string): void {
    const ofItem = /^@(?!\^)/.test(expression);
    this.#place.inner = ofItem ? expression.slice(1) : '';
    this.#place.elsewhere = ofItem ? null : expression;
  }

  /** False where counting can stop: a message that grows beyond what its route may make of it is refused as a whole. */
  visit(): boolean {
    if (this.#out !== null || this.#match?.plan.growth === 1) return true;
    this.#visits++;
    return !this.overflows;
  }

  /** Whether the points counted so far, or the values looked at for them, are more than a message may have. */
  get overflows(): boolean {
    const most = this.limits.pointsPerMessage;
    return this.count > most || this.#visits > most * VISITS_PER_POINT;
  }

  startItem(): void {
    this.#item.start(this.#match?.deviceId ?? '');
    this.#naming.startItem();
    this.#place.row = -1;
  }

  /** A device_id that the payload names, for the points that follow. */
  setDevice(value: unknown, path: string): void {
    this.#item.setDevice(value, path, this.limits.nameLength);
  }

  /** The time of the points that follow, as the payload has it. */
  setTime(value: unknown): void {
    this.#item.setTime(this.readTime(value), value);
  }

  /** The same of a whole number as it is written in bytes; none of them where there is none. */
  setDigits(bytes: Buffer, start: number, end: number): void {
    const plan = this.#match?.plan;
    const time =
      plan === undefined ? NO_TIME : readDigits(bytes, start, end, plan.route.time_unit, plan.zone);
    const unread = time === UNREADABLE || time === OUT_OF_RANGE;
    this.#item.setTime(time, unread ? bytes.toString('latin1', start, end) : undefined);
  }

  /** The same in microseconds since 1970, or one of the marks of `readTimestamp`. */
  setMicros(micros: number, sent: unknown): void {
    this.#item.setTime(micros, sent);
  }

  /** What the payload says of the series of the points that follow in this item; the route's word goes before it. */
  says(meta: SeriesMeta | null): void {
    this.#naming.said = meta;
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
    const name = this.#naming.nameOf(metricName, this.scope, this.limits.nameLength);
    if (name !== null) {
      if (this.trace !== null) this.#note(this.trace, metricName, value);
      this.#value(name, value, key);
    } else {
      this.#rejectName(key);
    }
  }

  /**
   * One value whose type the payload declares: a text is a text, whatever it reads like, and a number may be infinite.
   * `isLatest`: no value of the past, which is stored whatever the series' latest text is. `meta`: what is known of it.
   */
  typed(
    metricName: string,
    value: number | bigint | boolean | string,
    key: string,
    isLatest: boolean,
    meta: SeriesMeta | null,
  ): void {
    if (!this.selects(metricName) || this.#rejectsItem(key)) {
      return;
    }
    this.#naming.said = meta;
    const name = this.#naming.nameOf(metricName, this.scope, this.limits.nameLength);
    if (name === null) {
      this.#rejectName(key);
      return;
    }
    if (this.trace !== null) this.#note(this.trace, metricName, value);
    const { rule } = this.#naming;
    if (typeof value === 'string' && rule !== null && (rule.words !== null || rule.read === 'number')) {
      this.#text(name, value, key);
    } else if (typeof value === 'string' || rule?.read === 'text') {
      this.#store(name, String(value), key, isLatest);
    } else {
      const kind = typeof value === 'boolean' ? 'state' : 'gauge';
      if (rule === null) this.#write(name, Number(value), kind);
      else this.#adapted(rule, name, Number(value), kind, key);
    }
  }

  /** A value that is not to be stored. */
  drop(reason: DropReason): void {
    this.#count();
    this.#out?.drop(reason);
  }

  /** What the message says of the edge node that it is from. */
  keep(event: EdgeEvent): void {
    this.#out?.edge?.(event);
  }

  /** A metric's values with their times, as sent and as read; null is no value. */
  column(metricName: string, values: List, key: string | null, times: List, micros: Float64Array): void {
    if (!this.selects(metricName)) {
      return;
    }
    const name = this.#naming.nameOf(metricName, this.scope, this.limits.nameLength);
    for (let row = 0; row < values.length; row++) {
      const value: unknown = values[row];
      if (value === null) {
        continue;
      }
      this.#place.row = row;
      const time = micros[row] ?? NO_TIME;
      this.#item.setTime(time, time === UNREADABLE || time === OUT_OF_RANGE ? times[row] : undefined);
      if (name === null) {
        this.#rejectName(key);
      } else if (!this.#rejectsItem(key)) {
        if (this.trace !== null) this.#note(this.trace, metricName, value);
        this.#value(name, value, key);
      }
    }
    this.#place.row = -1;
    this.#item.setTime(NO_TIME, undefined);
  }

  /** Rejects the current item for its device_id or time, where no point of it (`since` that count) has done so. */
  settleItem(since: number): void {
    if (this.count === since) {
      this.#rejectsItem(null);
    }
  }

  reject(code: DeadLetterCode, what: string, key: string | null): void {
    this.#count();
    this.#out?.reject(
      code,
      this.count > DETAILED ? 'see those before' : rejectionDetail(`${this.#place.describe(key)}: ${what}`),
    );
  }

  /** Whether the current item can have no points, for its device_id or time; rejects one if so. */
  #rejectsItem(key: string | null): boolean {
    const fault = this.#item.fault();
    if (fault !== null) {
      this.reject(fault.code, fault.detail, key);
    }
    return fault !== null;
  }

  #note(trace: Trace, metricName: string, value: unknown): void {
    trace.sent = this.#naming.rule === null ? null : { metricName, value };
  }

  #rejectName(key: string | null): void {
    const { fault } = this.#naming;
    if (fault !== null) this.reject(fault.code, fault.detail, key);
  }

  #value(metricName: string, value: unknown, key: string | null): void {
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
      this.reject('value_missing', 'no value', key);
    } else if (this.#match?.plan.route.on_nested !== 'skip') {
      this.reject('value_unsupported', `the value is ${excerpt(value)}`, key);
    }
  }

  #count(): void {
    if (++this.count > this.#limit) {
      throw new TooManyPoints();
    }
  }

  #bigint(metricName: string, value: bigint, key: string | null): void {
    const number = Number(value);
    if (Number.isFinite(number)) {
      this.#number(metricName, number, 'gauge', key);
    } else {
      this.reject('number_out_of_range', 'the number does not fit a double', key);
    }
  }

  #number(metricName: string, value: number, kind: NumberKind, key: string | null): void {
    if ((value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) && !this.infinities) {
      this.reject('number_out_of_range', 'the number does not fit a double', key);
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
      this.reject('number_out_of_range', 'scaled, the number does not fit a double', key);
    } else {
      this.#write(metricName, value, rule.kind ?? kind);
    }
  }

  #write(metricName: string, value: number, kind: NumberKind): void {
    this.#count();
    this.#out?.number(this.#item.deviceId, metricName, this.#item.time, value, kind);
    if (this.#naming.meta !== null) this.#out?.describe(this.#naming.meta);
  }

  /** Devices quote numbers and booleans often enough that a text is a number or a word first. */
  #text(metricName: string, text: string, key: string | null): void {
    const match = this.#match;
    if (match === null) {
      return;
    }
    const { words } = match.plan;
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
      this.reject('value_unsupported', `${excerpt(text)}, where a number is expected`, key);
    } else {
      this.#store(metricName, text, key);
    }
  }

  #store(metricName: string, text: string, key: string | null, isLatest = true): void {
    const onText = this.#match?.plan.route.on_text;
    if (onText === 'drop') {
      this.drop('text_dropped');
    } else if (text.length > this.limits.textLength) {
      this.reject('text_too_long', `a text of ${text.length} characters`, key);
    } else if (text.includes('\0')) {
      this.reject('text_nul', 'a text with a NUL', key);
    } else if (!text.isWellFormed()) {
      this.reject('text_not_unicode', 'a text with a lone surrogate', key);
    } else {
      this.#count();
      const changesOnly = isLatest && onText === 'store_changes';
      this.#out?.text(this.#item.deviceId, metricName, this.#item.time, text, changesOnly);
      if (this.#naming.meta !== null) this.#out?.describe(this.#naming.meta);
    }
  }
}
