/** What a Sparkplug B payload has, as far as points come of it (Eclipse Sparkplug 3.0, chapter 6). */

export interface Payload {
  /** Milliseconds since 1970; null where there is none. */
  timestamp: number | bigint | null;
  metrics: Metric[];
  /** 0 to 255; null where there is none. */
  seq: number | null;
  uuid: string | null;
  body: Uint8Array | null;
}

/** A value as it stands on the wire: which integer is signed, and how wide it is, the datatype says. */
export interface WireValue {
  kind: ValueKind | null;
  value: number | bigint | boolean | string | Uint8Array | DataSet | Template | null;
}
export type ValueKind =
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'boolean'
  | 'string'
  | 'bytes'
  | 'dataset'
  | 'template'
  | 'other';

export interface Metric extends WireValue {
  name: string | null;
  alias: Alias | null;
  /** Milliseconds since 1970; null where there is none. */
  timestamp: number | bigint | null;
  /** 0 where there is none. */
  datatype: number;
  isHistorical: boolean;
  isTransient: boolean;
  isNull: boolean;
  /** Of its properties: the engineering unit. */
  unit: string | null;
}

/** An alias is an unsigned integer of 64 bits: a number where that is exact. */
export type Alias = number | bigint;

export interface DataSet {
  columns: string[];
  types: number[];
  rows: WireValue[][];
}

export interface Template {
  metrics: Metric[];
  isDefinition: boolean;
}
