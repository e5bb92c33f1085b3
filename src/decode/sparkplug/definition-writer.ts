import { TYPE } from './datatype.ts';
import type { Alias } from './payload.ts';

/** Tags of the wire format: field << 3 | wire type. */
const [METRIC, NAME, ALIAS, DATATYPE, PROPERTIES] = [0x12, 0x0a, 0x10, 0x20, 0x4a];
const [PROPERTY_KEY, PROPERTY_VALUE, TEXT_VALUE] = [0x0a, 0x12, 0x42];
const UNIT_KEY = Buffer.from('engUnit');
/** Bytes of a metric beside its name and its unit, at most. */
const OVERHEAD = 64;
/** Bytes of a UTF-16 unit in UTF-8, at most. */
const WIDEST = 3;

/** Writes metrics without values as a Sparkplug payload, straight into bytes: births have them by the thousand. */
export class DefinitionWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #at = 0;

  metric(name: string, alias: Alias | null, type: number, unit: string | undefined): void {
    this.#reserve(OVERHEAD + (name.length + (unit?.length ?? 0)) * WIDEST);
    const nameBytes = Buffer.byteLength(name);
    const unitBytes = unit === undefined ? 0 : Buffer.byteLength(unit);
    const value = 1 + sizeOf(unitBytes) + unitBytes;
    const property = 1 + 1 + UNIT_KEY.length + 1 + sizeOf(value) + value;
    this.#byte(METRIC);
    this.#varint(
      1 +
        sizeOf(nameBytes) +
        nameBytes +
        (alias === null ? 0 : 1 + sizeOf(alias)) +
        (type === TYPE.none ? 0 : 1 + sizeOf(type)) +
        (unit === undefined ? 0 : 1 + sizeOf(property) + property),
    );
    this.#text(NAME, name, nameBytes);
    if (alias !== null) {
      this.#byte(ALIAS);
      this.#varint(alias);
    }
    if (type !== TYPE.none) {
      this.#byte(DATATYPE);
      this.#varint(type);
    }
    if (unit === undefined) return;
    this.#byte(PROPERTIES);
    this.#varint(property);
    this.#byte(PROPERTY_KEY);
    this.#varint(UNIT_KEY.length);
    this.#at += UNIT_KEY.copy(this.#bytes, this.#at);
    this.#byte(PROPERTY_VALUE);
    this.#varint(value);
    this.#text(TEXT_VALUE, unit, unitBytes);
  }

  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#at));
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const more = Buffer.allocUnsafe(Math.max(this.#at + bytes, this.#bytes.length * 2));
    this.#bytes.copy(more, 0, 0, this.#at);
    this.#bytes = more;
  }

  #byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }

  #text(tag: number, text: string, bytes: number): void {
    this.#byte(tag);
    this.#varint(bytes);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  #varint(value: number | bigint): void {
    let rest = value;
    while (typeof rest === 'bigint' ? rest > 0x7fn : rest > 0x7f) {
      this.#byte(Number(typeof rest === 'bigint' ? rest & 0x7fn : rest % 0x80) | 0x80);
      rest = typeof rest === 'bigint' ? rest >> 7n : Math.floor(rest / 0x80);
    }
    this.#byte(Number(rest));
  }
}

/** Bytes of a varint. */
function sizeOf(value: number | bigint): number {
  if (typeof value === 'bigint') return Math.ceil(value.toString(2).length / 7);
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}
