import { isName, nameOf } from '../decode/names.ts';
import { excerpt } from '../decode/place.ts';
import { readNumeral, readWord } from '../decode/scalar.ts';
import { OUT_OF_RANGE, readTimestamp, UNREADABLE } from '../decode/timestamp.ts';
import type { Decoder, NumberKind, PointWriter, SeriesMeta } from '../pipeline/types.ts';
import type { ImportedDelivery } from '../postgres/import-ledger.ts';
import { DescriptionReader } from './description-reader.ts';
import { COLUMN, type Mapping, type Template } from './mapping.ts';
import type { SourceRecord } from './records.ts';

export interface RecordLimits {
  /** UTF-16 units. */
  readonly nameLength: number;
  readonly textLength: number;
}

/**
 * A record as the pipeline takes it; nobody waits for its acknowledgement. Tens of thousands are in memory at once, so it
 * holds what is needed until it is stored and no more.
 */
export class ImportedRecord implements ImportedDelivery {
  readonly line: number;
  readonly text: string;
  readonly faulty: boolean;
  readonly position: number;
  readonly #run: { readonly startedAt: number };

  /** `position`: of the source's records, from 0. `run`: when it began, in microseconds since 1970. */
  constructor({ line, text, fault }: SourceRecord, position: number, run: { readonly startedAt: number }) {
    this.line = line;
    this.text = text;
    this.faulty = fault !== null;
    this.position = position;
    this.#run = run;
  }

  get receivedAt(): number {
    return this.#run.startedAt;
  }
  get topic(): string {
    return '';
  }
  get payload(): Uint8Array {
    return EMPTY;
  }
  get qos(): 1 {
    return 1;
  }
  get retain(): boolean {
    return false;
  }
  get duplicate(): boolean {
    return false;
  }
  get packetId(): null {
    return null;
  }
  get identity(): null {
    return null;
  }
  get backlog(): boolean {
    return false;
  }

  ack(): void {}
}

const TAGS_UNREADABLE =
  'the column tags is not a JSON object of texts; --tags tags takes it for one tag, --values tags,... for a metric';
const EMPTY = new Uint8Array(0);
const KINDS: ReadonlySet<unknown> = new Set<NumberKind>(['gauge', 'counter', 'state']);

/** Turns records into points by a mapping. What cannot become a point is rejected with the reason. */
export class RecordDecoder implements Decoder {
  readonly #limits: RecordLimits;
  readonly #descriptions = new DescriptionReader();
  #mapping: Mapping | null = null;
  #record: SourceRecord | null = null;
  /** Values that were rejected so far. */
  rejected = 0;
  /** Texts so far. */
  texts = 0;
  #out: PointWriter | null = null;
  #deviceId = '';
  #time = 0;
  /** Of the current record. */
  #meta: SeriesMeta | null = null;
  /** What a record without a time says of a series whose points follow. */
  #described: {
    readonly device: string;
    readonly metric: string;
    readonly text: boolean;
    readonly meta: SeriesMeta;
  } | null = null;

  constructor(limits: RecordLimits) {
    this.#limits = limits;
  }

  /** The record that the next `decode` is about, as it is told nothing but a payload. */
  take(record: SourceRecord, mapping: Mapping | null): void {
    this.#record = record;
    this.#mapping = mapping;
  }

  decode(_topic: string, _payload: Uint8Array, out: PointWriter): null {
    this.#out = out;
    const record = this.#record as SourceRecord;
    if (record.fault !== null) this.#reject(record.fault.code, record.fault.detail);
    else this.#points(record, this.#mapping as Mapping);
    return null;
  }

  #points(record: SourceRecord, mapping: Mapping): void {
    const wide = mapping.value === null;
    const single = wide ? null : mapping.value?.(record);
    const said = mapping.kind?.(record);
    const kind = said === 'text' || KINDS.has(said) ? said : null;
    const time = mapping.time(record);
    const timeless = time === undefined || time === null || time === '';
    const meta = this.#descriptions.read(record, mapping);
    if (meta === 'unreadable' && kind !== null)
      return this.#reject('payload_shape', 'the tags are not a JSON object of texts');
    this.#meta = meta === 'unreadable' ? null : meta;
    if (meta === 'unreadable' && wide) this.#reject('payload_shape', TAGS_UNREADABLE);
    // What exports say of a series before its points.
    if (timeless && kind !== null && isEmpty(single)) return this.#describeSeries(record, mapping, kind);
    if (!wide && isEmpty(single) && kind !== 'text') return;
    if (timeless) return this.#reject('timestamp_invalid', 'no time');
    this.#time = readTimestamp(time, mapping.unitOfTime, mapping.zone);
    if (this.#time === UNREADABLE) return this.#reject('timestamp_invalid', `the time is ${excerpt(time)}`);
    if (this.#time === OUT_OF_RANGE)
      return this.#reject('timestamp_out_of_range', `the time is ${excerpt(time)}`);
    const device = this.#name(mapping.device, record, '');
    if (device === undefined) return this.#reject('device_id_missing', 'no device');
    if (device === null) return this.#reject('name_invalid', 'the device is not a name');
    this.#deviceId = device;
    if (!wide) this.#point(record, mapping, '', single, kind);
    else if (Array.isArray(record.fields)) this.#columns(record, mapping);
    else
      for (const [column, value] of Object.entries(record.fields as object))
        if (mapping.selects(column) && !isEmpty(value)) this.#point(record, mapping, column, value, null);
  }

  #columns(record: SourceRecord, mapping: Mapping): void {
    const fields = record.fields as readonly unknown[];
    for (const { name, index } of mapping.columns) {
      const value = fields[index];
      if (!isEmpty(value)) this.#point(record, mapping, name, value, null);
    }
  }

  #point(record: SourceRecord, mapping: Mapping, column: string, value: unknown, kind: unknown): void {
    const metric = this.#name(mapping.metric, record, column);
    const place = column === '' ? 'the value' : `the value of ${excerpt(column)}`;
    if (metric === undefined) return this.#reject('metric_name_missing', 'no metric');
    if (metric === null) return this.#reject('name_invalid', 'the metric is not a name');
    if (kind === 'text') return this.#text(metric, nameOf(value) ?? '', place);
    const asKind = KINDS.has(kind) ? (kind as NumberKind) : null;
    if (typeof value === 'string') this.#read(mapping, metric, value, asKind, place);
    else if (typeof value === 'number' || typeof value === 'bigint')
      this.#number(metric, Number(value), asKind ?? 'gauge', place);
    else if (typeof value === 'boolean') this.#write(metric, value ? 1 : 0, asKind ?? 'state');
    else this.#reject('value_unsupported', `${place} is ${excerpt(value)}`);
  }

  /** As devices' texts are read: a number or a word first. With a kind it is a number in any case. */
  #read(mapping: Mapping, metric: string, text: string, kind: NumberKind | null, place: string): void {
    const trimmed = text.trim();
    const { words } = mapping;
    const word = readWord(words, trimmed);
    if (kind === null && word === null) return;
    const numeral = readNumeral(mapping.decimalComma ? trimmed.replace(',', '.') : trimmed);
    if (numeral === numeral && (kind !== null || word === undefined)) {
      this.#number(metric, numeral, kind ?? 'gauge', place);
    } else if (word !== undefined && word !== null) {
      this.#write(metric, word.value, kind ?? word.kind);
    } else if (kind !== null) this.#reject('value_unsupported', `${place} is ${excerpt(text)}, not a number`);
    else if (mapping.texts) this.#text(metric, text, place);
    else this.#out?.drop('text_dropped');
  }

  #number(metric: string, value: number, kind: NumberKind, place: string): void {
    if (Number.isFinite(value)) this.#write(metric, value, kind);
    else this.#reject('number_out_of_range', `${place} does not fit a double`);
  }

  #text(metric: string, text: string, place: string): void {
    if (text.length > this.#limits.textLength)
      this.#reject('text_too_long', `${place} has ${text.length} characters`);
    else if (text.includes('\0')) this.#reject('text_nul', `${place} has a NUL`);
    else if (!text.isWellFormed()) this.#reject('text_not_unicode', `${place} has a lone surrogate`);
    else {
      this.texts++;
      this.#out?.text(this.#deviceId, metric, this.#time, text, false);
      this.#describe(metric, true);
    }
  }

  #write(metric: string, value: number, kind: NumberKind): void {
    this.#out?.number(this.#deviceId, metric, this.#time, value, kind);
    this.#describe(metric, false);
  }

  #describe(metric: string, text: boolean): void {
    const described = this.#described;
    if (this.#meta !== null) this.#out?.describe(this.#meta);
    else if (described?.metric === metric && described.device === this.#deviceId && described.text === text)
      this.#out?.describe(described.meta);
  }

  #describeSeries(record: SourceRecord, mapping: Mapping, kind: unknown): void {
    const device = this.#name(mapping.device, record, '');
    const metric = this.#name(mapping.metric, record, '');
    if (this.#meta !== null && device && metric)
      this.#described = { device, metric, text: kind === 'text', meta: this.#meta };
  }

  /** Undefined where a field of it is not there, null where it cannot be a name. */
  #name({ parts, fields }: Template, record: SourceRecord, column: string): string | null | undefined {
    let name = parts[0] as string;
    for (const [index, field] of fields.entries()) {
      const value = column !== '' && field.name === COLUMN ? column : nameOf(field.read(record));
      const missing = value === undefined || value === '';
      if (value === null || (missing && !field.optional)) return value === null ? null : undefined;
      name += (missing ? '' : value) + (parts[index + 1] as string);
    }
    return isName(name, this.#limits.nameLength) ? name : null;
  }

  #reject(code: Parameters<PointWriter['reject']>[0], detail: string): void {
    this.rejected++;
    this.#out?.reject(code, detail);
  }
}

/** No value, and no mistake. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
