/**
 * Sparkplug B payloads, read from the wire format of Protocol Buffers. The messages and field numbers are those of the
 * Eclipse Sparkplug 3.0 specification, chapter 6. Only the reader of protobufjs is used: nothing is compiled at run time,
 * what a length or a nesting claims is checked, and the work is bounded by a budget of values.
 */

import { Reader } from 'protobufjs/minimal.js';
import { Excess } from '../excess.ts';
import type { DataSet, Metric, Payload, Template, ValueKind, WireValue } from './payload.ts';
import { countNames } from './names.ts';

/** What is wrong with the bytes. */
export class MessageError extends Error {}

/** Messages within one another: a template and its metrics are two. */
const MAX_DEPTH = 32;

/** What the properties of a metric call its engineering unit. */
const UNIT_PROPERTIES = new Set(['engUnit', 'Engineering Units', 'engineeringUnits', 'unit', 'units']);

/** How many metrics a payload may have, and what it is refused for where it has more. */
export interface MetricLimit {
  readonly most: number;
  readonly code: 'too_many_points' | 'too_many_names';
}

/**
 * At most `most` metrics and values of data sets, of metrics what `metrics` says, and `mostNames` different names of those.
 * Throws MessageError or Excess.
 */
export function readPayload(
  bytes: Uint8Array,
  most: number,
  metrics: MetricLimit = { most, code: 'too_many_points' },
  mostNames = metrics.most,
): Payload {
  try {
    const reader = new PayloadReader(bytes, most, metrics);
    const payload = reader.payload();
    // Those of most messages are too few, and need not be told apart.
    if (reader.named > mostNames) countNames(payload.metrics, mostNames);
    return payload;
  } catch (error) {
    if (error instanceof MessageError || error instanceof Excess) throw error;
    throw new MessageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

class PayloadReader {
  /** Metrics that have a name. */
  named = 0;
  readonly #reader: Reader;
  readonly #most: number;
  readonly #metricLimit: MetricLimit;
  #left: number;
  #metrics = 0;
  #depth = 0;
  /** Where the innermost message ends. */
  #end: number;

  constructor(bytes: Uint8Array, most: number, metricLimit: MetricLimit) {
    this.#reader = Reader.create(bytes);
    this.#most = most;
    this.#metricLimit = metricLimit;
    this.#left = most;
    this.#end = bytes.length;
  }

  payload(): Payload {
    const payload: Payload = { timestamp: null, metrics: [], seq: null, uuid: null, body: null };
    this.#fields((field, wireType) => {
      if (field === 1) payload.timestamp = this.#uint64(wireType);
      else if (field === 2) payload.metrics.push(this.#metric(wireType));
      else if (field === 3) payload.seq = Number(this.#uint64(wireType));
      else if (field === 4) payload.uuid = this.#string(wireType);
      else if (field === 5) payload.body = this.#bytes(wireType);
      else return false;
      return true;
    });
    this.#landed(this.#end);
    return payload;
  }

  #metric(wireType: number): Metric {
    this.#spend();
    if (++this.#metrics > this.#metricLimit.most) {
      throw new Excess(this.#metricLimit.code, `more than ${this.#metricLimit.most} metrics`);
    }
    const metric: Metric = {
      name: null,
      alias: null,
      timestamp: null,
      datatype: 0,
      isHistorical: false,
      isTransient: false,
      isNull: false,
      unit: null,
      kind: null,
      value: null,
    };
    // By far the most frequent message: no function for each.
    const reader = this.#reader;
    const outer = this.#enter(wireType);
    while (reader.pos < this.#end) {
      const tag = reader.uint32();
      if (!this.#metricField(metric, tag >>> 3, tag & 7)) reader.skipType(tag & 7);
    }
    this.#leave(outer);
    return metric;
  }

  #metricField(metric: Metric, field: number, wireType: number): boolean {
    if (field === 1) {
      this.named++;
      metric.name = this.#string(wireType);
    } else if (field === 2) metric.alias = this.#uint64(wireType);
    else if (field === 3) metric.timestamp = this.#uint64(wireType);
    else if (field === 4) metric.datatype = this.#uint32(wireType);
    else if (field === 5) metric.isHistorical = this.#bool(wireType);
    else if (field === 6) metric.isTransient = this.#bool(wireType);
    else if (field === 7) metric.isNull = this.#bool(wireType);
    else if (field === 9) metric.unit = this.#unit(wireType);
    else if (field === 16) set(metric, 'bytes', this.#bytes(wireType));
    else if (field === 17) set(metric, 'dataset', this.#dataSet(wireType));
    else if (field === 18) set(metric, 'template', this.#template(wireType));
    else return field >= 10 && this.#scalar(metric, field - 10, wireType);
    return true;
  }

  /** The scalars stand in this order everywhere; after them comes what is none. */
  #scalar(into: WireValue, index: number, wireType: number): boolean {
    if (index === 0) set(into, 'int', this.#uint32(wireType));
    else if (index === 1) set(into, 'long', this.#uint64(wireType));
    else if (index === 2) set(into, 'float', this.#expect(wireType, 5).float());
    else if (index === 3) set(into, 'double', this.#expect(wireType, 1).double());
    else if (index === 4) set(into, 'boolean', this.#bool(wireType));
    else if (index === 5) set(into, 'string', this.#string(wireType));
    else {
      if (index > 5) set(into, 'other', null);
      return false;
    }
    return true;
  }

  #dataSet(wireType: number): DataSet {
    const dataSet: DataSet = { columns: [], types: [], rows: [] };
    this.#message(wireType, (field, inner) => {
      if (field === 2) {
        this.#spend();
        dataSet.columns.push(this.#string(inner));
      } else if (field === 3) this.#types(dataSet.types, inner);
      else if (field === 4) {
        this.#spend();
        dataSet.rows.push(this.#row(inner));
      } else return false;
      return true;
    });
    return dataSet;
  }

  /** Packed or not: proto2 and proto3 differ in what they do by default. */
  #types(types: number[], wireType: number): void {
    if (wireType !== 2) {
      this.#spend();
      types.push(this.#uint32(wireType));
      return;
    }
    const end = this.#bounded();
    while (this.#reader.pos < end) {
      this.#spend();
      types.push(this.#reader.uint32());
    }
    this.#landed(end);
  }

  #row(wireType: number): WireValue[] {
    const elements: WireValue[] = [];
    this.#message(wireType, (field, inner) => {
      if (field !== 1) return false;
      this.#spend();
      const element: WireValue = { kind: null, value: null };
      this.#message(inner, (index, type) => this.#scalar(element, index - 1, type));
      elements.push(element);
      return true;
    });
    return elements;
  }

  #template(wireType: number): Template {
    const template: Template = { metrics: [], isDefinition: false };
    this.#message(wireType, (field, inner) => {
      if (field === 2) template.metrics.push(this.#metric(inner));
      else if (field === 5) template.isDefinition = this.#bool(inner);
      else return false;
      return true;
    });
    return template;
  }

  /** The first property that names a unit; the keys and values of a property set are two lists. */
  #unit(wireType: number): string | null {
    let [keys, values] = [0, 0];
    let wanted = -1;
    const texts: (string | null)[] = [];
    this.#message(wireType, (field, inner) => {
      if (field === 1) {
        if (UNIT_PROPERTIES.has(this.#string(inner)) && wanted === -1) wanted = keys;
        keys++;
      } else if (field === 2) {
        const text: WireValue = { kind: null, value: null };
        this.#message(inner, (index, type) => this.#scalar(text, index - 3, type));
        // No more are needed than keys may come after them.
        if (values < 256) texts.push(typeof text.value === 'string' ? text.value : null);
        values++;
      } else return false;
      return true;
    });
    return texts[wanted] ?? null;
  }

  /** A message within this one; `field` says whether it took the field, which is skipped otherwise. */
  #message(wireType: number, field: (number: number, wireType: number) => boolean): void {
    const outer = this.#enter(wireType);
    this.#fields(field);
    this.#leave(outer);
  }

  #fields(field: (number: number, wireType: number) => boolean): void {
    const reader = this.#reader;
    while (reader.pos < this.#end) {
      const tag = reader.uint32();
      if (!field(tag >>> 3, tag & 7)) reader.skipType(tag & 7);
    }
  }

  /** Goes into a message; returns where the one around it ends. */
  #enter(wireType: number): number {
    if (wireType !== 2) throw new MessageError(`wire type ${wireType} where a message is expected`);
    if (++this.#depth > MAX_DEPTH) throw new MessageError('messages are nested too deep');
    const outer = this.#end;
    this.#end = this.#bounded();
    return outer;
  }

  #leave(outer: number): void {
    this.#landed(this.#end);
    this.#end = outer;
    this.#depth--;
  }

  /** Where what begins with a length ends. */
  #bounded(): number {
    const length = this.#reader.uint32();
    const end = this.#reader.pos + length;
    if (end > this.#end) throw new MessageError(`a length of ${length} bytes goes beyond its message`);
    return end;
  }

  #landed(end: number): void {
    if (this.#reader.pos !== end) throw new MessageError('a field goes beyond its message');
  }

  #spend(): void {
    if (--this.#left < 0) throw new Excess('too_many_points', `more than ${this.#most} values`);
  }

  #uint64(wireType: number): number | bigint {
    const { low, high } = this.#expect(wireType, 0).uint64() as unknown as { low: number; high: number };
    const upper = high >>> 0;
    const lower = low >>> 0;
    return upper < 0x20_0000 ? upper * 0x1_0000_0000 + lower : (BigInt(upper) << 32n) | BigInt(lower);
  }

  #uint32(wireType: number): number {
    return this.#expect(wireType, 0).uint32();
  }

  #bool(wireType: number): boolean {
    return this.#expect(wireType, 0).bool();
  }

  #string(wireType: number): string {
    return this.#expect(wireType, 2).string();
  }

  #bytes(wireType: number): Uint8Array {
    return this.#expect(wireType, 2).bytes();
  }

  #expect(wireType: number, expected: number): Reader {
    if (wireType !== expected) throw new MessageError(`wire type ${wireType} where ${expected} is expected`);
    return this.#reader;
  }
}

function set(into: WireValue, kind: ValueKind, value: WireValue['value']): void {
  into.kind = kind;
  into.value = value;
}
