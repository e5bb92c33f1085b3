import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, EdgeEvent, PointWriter, SeriesMeta } from '../pipeline/types.ts';
import { failing } from './conditions.ts';
import { newScope } from './expression.ts';
import { MetricNaming } from './metric-naming.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { Excess } from './excess.ts';
import { Item } from './item.ts';
import { isName } from './names.ts';
import type { List } from './json-value.ts';
import { NumberRoom } from './number-room.ts';
import { excerpt } from './place.ts';
import { PointOutput } from './point-output.ts';
import type { RoutePlan } from './route-plan.ts';
import type { TopicMatch } from './router.ts';
import { EdgeNodes } from './sparkplug/edge-nodes.ts';
import { NO_TIME, OUT_OF_RANGE, readDigits, readTimestamp, readTimestamps, UNREADABLE } from './timestamp.ts';
import { mergedNotes } from './series-notes.ts';
import { SeriesUnits } from './series-units.ts';
import { Tally } from './tally.ts';
import type { Trace } from './trace.ts';
import { ValueReader } from './value-reader.ts';

/**
 * Turns the values of one message into points: whose they are, when, and by which name; what they are `ValueReader` reads.
 * One for all messages, so that a point costs no object; the state is that of the current message and of its current item.
 */
export class PointEmitter {
  readonly limits: DecodeLimits;
  /** When the message arrived, in microseconds since 1970; NaN where nothing may go by that. */
  arrival = Number.NaN;
  /** Of the message. */
  topic = '';
  /** When it arrived in any case, in microseconds since 1970; NaN where nobody says. */
  receivedAt = Number.NaN;
  /** What was read of it so far: its payload and what that holds in base64, each as it is unpacked. */
  bytes = 0;
  /** Whether it was received and decoded before. */
  past = false;
  /** What earlier messages said of Sparkplug edge nodes. */
  readonly edges: EdgeNodes;
  /** Where the columns of the current message are. */
  readonly room = new NumberRoom();
  /** What the route's expressions are followed in. */
  readonly scope = newScope();
  /** Null: nobody wants to know how points come about. */
  trace: Trace | null = null;
  readonly #naming = new MetricNaming();
  readonly #units = new SeriesUnits();
  readonly #item = new Item();
  readonly #tally: Tally;
  readonly #output: PointOutput;
  readonly #values: ValueReader;
  #match: TopicMatch | null = null;

  constructor(limits: DecodeLimits, edges = new EdgeNodes()) {
    this.limits = limits;
    this.edges = edges;
    this.#tally = new Tally(limits);
    this.#output = new PointOutput(this.#tally);
    this.#values = new ValueReader(this.#item, this.#naming, this.#output, limits.textLength, this.room);
  }

  /** Points, and values that could not become points, of the current message. */
  get count(): number {
    return this.#output.count;
  }

  /** Whether the format can write infinities. */
  set infinities(can: boolean) {
    this.#values.infinities = can;
  }

  /** Starts a message. Without `out` its points go nowhere, but `count` tells of them. */
  begin(match: TopicMatch, out: PointWriter | null): void {
    this.#match = match;
    this.#output.begin(out);
    this.#naming.begin(match.plan);
    this.#values.begin(match.plan);
    this.#item.unsetBefore = match.plan.unsetBefore;
    match.plan.zone.heardAt = this.receivedAt / 1_000_000;
    this.scope.captures = match.captures;
    this.scope.payload = undefined;
    this.scope.item = undefined;
    this.at('$', -1, '');
    this.startItem();
  }

  /** What of a message is more than it may have, by what `emit` does for it; null: nothing. */
  excessOf(emit: () => void): Excess | null {
    return this.#tally.of(emit);
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
    this.#output.place.set(list, index, inner);
  }

  /** Goes on within a key of the current place. */
  enter(key: string): void {
    this.#output.place.enter(key);
  }

  /** Goes on at what an expression names; `@` is the current item. */
  within(expression: string): void {
    this.#output.place.within(expression);
  }

  /** Looks at a value: of those, too, a message has only so many where a route may make more of it than it has. */
  visit(): void {
    if (this.#match?.plan.growth !== 1) this.#tally.visit();
  }

  /** Takes note of a name that the message brings, or of what stands for some in its format. */
  brings(name: string): void {
    this.#tally.name(name);
  }

  /** The same of one that the message has not brought yet. */
  bringsNew(): void {
    this.#tally.newName();
  }

  startItem(): void {
    this.#item.start(this.#match?.deviceId ?? '');
    this.#naming.startItem();
    this.#output.place.row = -1;
  }

  /** A device_id that the payload names, for the points that follow. */
  setDevice(value: unknown, path: string): void {
    if (typeof value === 'string') this.#tally.name(value);
    this.setKnownDevice(value, path);
  }

  /** The same of one that stands in a name which was counted. */
  setKnownDevice(value: unknown, path: string): void {
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

  /** The same of many, into an array of as many. */
  readTimes(values: List, micros: Float64Array): void {
    const plan = this.#match?.plan;
    if (plan === undefined) micros.fill(NO_TIME);
    else readTimestamps(values, plan.route.time_unit, plan.zone, micros);
  }

  selects(metricName: string): boolean {
    return this.#match?.plan.selects?.(metricName) ?? true;
  }

  /** One value of the payload; `key` says where in the item it is, where it is not the item itself. */
  point(metricName: string, value: unknown, key: string | null): void {
    // What most points are: ten thousands of a message, each of which would ask for all of the rest.
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && this.#isPlain(metricName, number)) {
      this.#output.number(this.#item, metricName, number, 'gauge', this.#naming.said);
      return;
    }
    if (value === null || !this.selects(metricName) || this.#rejectsItem(key)) {
      return;
    }
    const name = this.#nameOf(metricName);
    if (name !== null) {
      if (this.trace !== null) this.#note(this.trace, metricName, value);
      this.#read(name, value, key);
    } else {
      this.#rejectName(key);
    }
  }

  /**
   * The first so many of the values of an item that are numbers, each of the metric at its place. `areClean`: the names are known
   * to be Unicode without NUL; to look into texts that were just put together would put them together once more.
   */
  row(metricNames: readonly string[], values: readonly number[], count: number, areClean: boolean): void {
    if (this.#isPlainItem() && this.#arePlain(metricNames, values, count, areClean)) {
      this.#output.row(this.#item, metricNames, values, count, this.#naming.said);
      return;
    }
    for (let at = 0; at < count; at++) {
      this.point(metricNames[at] as string, values[at], null);
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
    const name = this.#nameOf(metricName);
    if (name === null) {
      this.#rejectName(key);
      return;
    }
    if (this.trace !== null) this.#note(this.trace, metricName, value);
    if (this.#match?.plan.route.value_is === 'unit') this.#unit(name, value, key);
    else this.#values.readTyped(name, value, key, isLatest);
  }

  /** A value that is not to be stored. */
  drop(reason: DropReason): void {
    this.#output.drop(reason);
  }

  /** What the message says of the edge node that it is from. */
  keep(event: EdgeEvent): void {
    this.#output.out?.edge?.(event);
  }

  /** A metric's values with their times, as sent and as read; null is no value. */
  column(metricName: string, values: List, key: string | null, times: List, micros: Float64Array): void {
    if (!this.selects(metricName)) {
      return;
    }
    if (this.writesColumn(metricName, values, micros)) {
      return;
    }
    const name = this.#nameOf(metricName);
    for (let row = 0; row < values.length; row++) {
      const value: unknown = values[row];
      if (value === null) {
        continue;
      }
      this.#output.place.row = row;
      const time = micros[row] ?? NO_TIME;
      this.#item.setTime(time, time === UNREADABLE || time === OUT_OF_RANGE ? times[row] : undefined);
      if (name === null) {
        this.#rejectName(key);
      } else if (!this.#rejectsItem(key)) {
        if (this.trace !== null) this.#note(this.trace, metricName, value);
        this.#read(name, value, key);
      }
    }
    this.#output.place.row = -1;
    this.#item.setTime(NO_TIME, undefined);
  }

  /** False, and nothing is written, where a value of the column is anything but a number with a time. */
  writesColumn(metricName: string, values: List, micros: Float64Array): boolean {
    const name = this.#nameOf(metricName);
    if (name === null || this.trace !== null || !this.#values.writesColumn(name, values, micros))
      return false;
    this.#item.setTime(NO_TIME, undefined);
    return true;
  }

  /** Rejects the current item for its device_id or time, where no point of it (`since` that count) has done so. */
  settleItem(since: number): void {
    if (this.count === since) {
      this.#rejectsItem(null);
    }
  }

  reject(code: DeadLetterCode, what: string, key: string | null): void {
    this.#output.reject(code, what, key);
  }

  /** Whether there is nothing to do but store it. */
  #isPlain(metricName: string, value: number): boolean {
    return Number.isFinite(value) && this.#isPlainItem() && isName(metricName, this.limits.nameLength);
  }

  #arePlain(
    metricNames: readonly string[],
    values: readonly number[],
    count: number,
    areClean: boolean,
  ): boolean {
    const { nameLength } = this.limits;
    for (let at = 0; at < count; at++) {
      const name = metricNames[at] as string;
      const isNamed = areClean ? name !== '' && name.length <= nameLength : isName(name, nameLength);
      if (!isNamed || !Number.isFinite(values[at])) return false;
    }
    return true;
  }

  /** Whether there is nothing to do but store what is a number and has a name. */
  #isPlainItem(): boolean {
    return (
      this.#match?.plan.takesAll === true &&
      this.trace === null &&
      this.#units.isEmpty &&
      this.#item.fault() === null
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

  /** The name to store under, or null; what is said of its series has the unit that an earlier message said. */
  #nameOf(metricName: string): string | null {
    const name = this.#naming.nameOf(metricName, this.scope, this.limits.nameLength);
    const said = name === null ? null : this.#units.of(this.#item.deviceId, name);
    if (said !== null) this.#naming.meta = mergedNotes(said, this.#naming.meta);
    return name;
  }

  #read(metricName: string, value: unknown, key: string | null): void {
    if (this.#match?.plan.route.value_is === 'unit') this.#unit(metricName, value, key);
    else this.#values.read(metricName, value, key);
  }

  /** A value that is the unit of a series. */
  #unit(metricName: string, value: unknown, key: string | null): void {
    const { deviceId } = this.#item;
    // What was received before says nothing of what is known since.
    if (value === '' || (this.past && this.#units.of(deviceId, metricName) !== null)) return;
    const isSaid =
      typeof value === 'string' && this.#units.set(deviceId, metricName, value, this.#naming.meta);
    if (isSaid) this.trace?.units.push({ device_id: deviceId, metric_name: metricName, unit: value });
    else this.reject('value_unsupported', `${excerpt(value)}, where a unit is expected`, key);
  }

  #note(trace: Trace, metricName: string, value: unknown): void {
    trace.sent = this.#naming.rule === null ? null : { metricName, value };
  }

  #rejectName(key: string | null): void {
    const { fault } = this.#naming;
    if (fault !== null) this.reject(fault.code, fault.detail, key);
  }
}
