/**
 * What stands around the records of a file. Little-endian:
 *
 *     file    head, head again, records
 *     head    "TIDESPL\n", format u32, marker 8 bytes, CRC-32 of these u32
 *     record  marker 8 bytes, length of the body u32, CRC-32 of the body u32, CRC-32 of these u32, body
 *
 * The marker is random and the file's own: nothing that a device sends, and no remains of an older file, can pass for a
 * record. The length has a checksum of its own, so that a damaged body is stepped over. CRC-32 is the one of zlib.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from('TIDESPL\n');
const FORMAT = 1;
const COPY = 24;
export const MARKER = 8;
/** Bytes before the first record of a file. */
export const FILE_HEAD = 2 * COPY;
/** Bytes before the body of a record. */
export const RECORD_HEAD = 20;

export type FileHead =
  | { readonly kind: 'ours'; readonly marker: Buffer }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'newer'; readonly format: number };

export interface RecordHead {
  readonly length: number;
  readonly checksum: number;
}

export function newMarker(): Buffer {
  return randomBytes(MARKER);
}

export function encodeFileHead(marker: Buffer, format = FORMAT): Buffer {
  const copy = Buffer.alloc(COPY);
  copy.set(MAGIC);
  copy.writeUInt32LE(format, 8);
  copy.set(marker, 12);
  copy.writeUInt32LE(crc32(copy.subarray(0, 20)), 20);
  return Buffer.concat([copy, copy]);
}

/** One sound copy of the two is enough. */
export function decodeFileHead(bytes: Buffer): FileHead {
  for (const at of [0, COPY]) {
    const copy = bytes.subarray(at, at + COPY);
    if (copy.length < COPY || !copy.subarray(0, 8).equals(MAGIC)) continue;
    if (crc32(copy.subarray(0, 20)) !== copy.readUInt32LE(20)) continue;
    const format = copy.readUInt32LE(8);
    return format === FORMAT
      ? { kind: 'ours', marker: Buffer.from(copy.subarray(12, 20)) }
      : { kind: 'newer', format };
  }
  return { kind: 'foreign' };
}

/** Checks the body that lies behind the free `RECORD_HEAD` bytes, once; the file it goes to may still change. */
export function checksumOf(record: Buffer): number {
  return crc32(record.subarray(RECORD_HEAD));
}

/** Writes the head of a record into its first bytes. */
export function sealRecord(record: Buffer, checksum: number, marker: Buffer): void {
  record.set(marker);
  record.writeUInt32LE(record.length - RECORD_HEAD, 8);
  record.writeUInt32LE(checksum, 12);
  record.writeUInt32LE(crc32(record.subarray(0, 16)), 16);
}

/** Null where no sound head of a record stands there. */
export function decodeRecordHead(bytes: Buffer, marker: Buffer): RecordHead | null {
  if (bytes.length < RECORD_HEAD || !bytes.subarray(0, MARKER).equals(marker)) return null;
  if (crc32(bytes.subarray(0, 16)) !== bytes.readUInt32LE(16)) return null;
  return { length: bytes.readUInt32LE(8), checksum: bytes.readUInt32LE(12) };
}

export function isSound(body: Buffer, head: RecordHead): boolean {
  return crc32(body) === head.checksum;
}
