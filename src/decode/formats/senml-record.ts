/** Records of SenML (RFC 8428) as they are sent, of JSON or of CBOR. */

import { isObject } from '../json-value.ts';
import { excerpt } from '../place.ts';
import { type ByteReader, setMember } from './byte-reader.ts';
import { goesOn, readItem, readKey, readLength } from './cbor-reader.ts';

/** By the labels of JSON. Base values, name and unit are checked; the rest is whatever the sender put there. */
export interface SenmlRecord {
  readonly bver?: unknown;
  readonly bn?: string;
  readonly bt?: number | bigint;
  readonly bu?: string;
  readonly bv?: number | bigint;
  readonly bs?: number | bigint;
  readonly n?: string;
  readonly u?: string;
  readonly v?: unknown;
  readonly vs?: unknown;
  readonly vb?: unknown;
  readonly vd?: unknown;
  readonly s?: unknown;
  readonly t?: unknown;
}

/** Labels of CBOR (RFC 8428, table 4) from -6 on. */
const LABELS = ['bs', 'bv', 'bu', 'bt', 'bn', 'bver', 'n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut', 'vd'];
const FIRST_LABEL = -6;
const ARRAY = 4;
const MAP = 5;

const VALUES = ['v', 'vs', 'vb', 'vd', 's'] as const;

/** RFC 8428 is version 10; with secondary units, which are units like others here, it is 26 (RFC 9100). */
const VERSION = 10;
const WITH_SECONDARY_UNITS = 26;

/** Why a pack cannot be read as SenML; null where it can. `extended`: whether some label may end with `_`. */
export function packFault(pack: unknown, extended: boolean): string | null {
  if (!Array.isArray(pack)) {
    return 'no array of records';
  }
  for (let index = 0; index < pack.length; index++) {
    const record: unknown = pack[index];
    const fault = isObject(record) ? recordFault(record, extended) : 'is no object';
    if (fault !== null) {
      return `record ${index} ${fault}`;
    }
  }
  return null;
}

function recordFault(record: Readonly<Record<string, unknown>>, extended: boolean): string | null {
  const { bver, bn, bt, bu, bv, bs, n, u } = record;
  if (bver !== undefined && !(Number(bver) <= VERSION || Number(bver) === WITH_SECONDARY_UNITS)) {
    return `is of version ${excerpt(bver)}`;
  }
  if (!isText(bn) || !isText(n) || !isText(bu) || !isText(u)) {
    return 'has a name or a unit that is no text';
  }
  if (!isNumber(bt) || !isNumber(bv) || !isNumber(bs)) {
    return 'has a base time, value or sum that is no number';
  }
  if (extended) {
    const unknown = Object.keys(record).find((label) => label.endsWith('_'));
    // "Must be understood", and nobody has defined one.
    if (unknown !== undefined) return `has the unknown field ${excerpt(unknown)}`;
  }
  return null;
}

/**
 * Whether an array is certainly SenML: it names something and has a value in the words of SenML, and could be no list of
 * points otherwise, as no item has a metric_name.
 */
export function isSenml(pack: unknown): boolean {
  if (packFault(pack, false) !== null) {
    return false;
  }
  const records = pack as readonly SenmlRecord[];
  return (
    records.some(({ bn, n }) => bn !== undefined || n !== undefined) &&
    records.some((record) => VALUES.some((label) => record[label] !== undefined)) &&
    !records.some((record) => Object.hasOwn(record, 'metric_name'))
  );
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return value === undefined || typeof value === 'number' || typeof value === 'bigint';
}

/** Arrays of maps by integer labels. Throws Malformed or Excess. */
export function readCborPack(reader: ByteReader): SenmlRecord[] {
  skipSelfDescription(reader);
  const initial = reader.u8();
  if (initial >> 5 !== ARRAY) {
    throw reader.malformed('no array of records');
  }
  const length = readLength(initial & 0x1f, reader);
  reader.enter(length);
  const pack: SenmlRecord[] = [];
  while (goesOn(length, pack.length, reader)) {
    const record = readRecord(reader);
    const fault = recordFault(record, false);
    if (fault !== null) {
      throw reader.malformed(`record ${pack.length} ${fault}`);
    }
    pack.push(record);
  }
  if (reader.left > 0) {
    throw reader.malformed(`${reader.left} bytes after the end`);
  }
  return pack;
}

function skipSelfDescription(reader: ByteReader): void {
  if (reader.left > 3 && reader.u8() === 0xd9 && reader.u16() === 0xd9f7) {
    return;
  }
  reader.at = 0;
}

function readRecord(reader: ByteReader): Record<string, unknown> {
  const initial = reader.u8();
  if (initial >> 5 !== MAP) {
    throw reader.malformed('a record that is no map');
  }
  const length = readLength(initial & 0x1f, reader);
  reader.enter(length * 2);
  const record: Record<string, unknown> = {};
  for (let read = 0; goesOn(length, read, reader); read++) {
    const label = readKey(reader);
    const name = typeof label === 'string' ? label : LABELS[Number(label) - FIRST_LABEL];
    if (name?.endsWith('_')) {
      throw reader.malformed(`the unknown field ${excerpt(name)}`);
    }
    const value = readItem(reader);
    if (name !== undefined) {
      setMember(record, name, value);
    }
  }
  reader.leave();
  return record;
}
