/** What can be told of a payload of lines before they are read: whether it begins as one, and how many points it has at most. */

import { asBuffer } from './byte-reader.ts';
import { LineScanner } from './line-scanner.ts';

const [NEWLINE, SPACE, QUOTE, EQUALS, BACKSLASH] = [0x0a, 0x20, 0x22, 0x3d, 0x5c];

/** Whether the first line, beside comments and empty ones, is one of the protocol. */
export function beginsWithLine(payload: Uint8Array): boolean {
  const scanner = new LineScanner(payload);
  if (!scanner.nextLine() || !scanner.key()) {
    return false;
  }
  do {
    if (scanner.fieldKey() === null || scanner.value() === null) return false;
  } while (scanner.anotherField());
  return scanner.timestamp();
}

/** By byte, so that counting needs no branch. */
const COUNTED = Uint8Array.from({ length: 256 }, (_, code) => (code === EQUALS || code === NEWLINE ? 1 : 0));

/** A point in a long line, with its part of measurement, tags and time. */
const BYTES_PER_POINT = 64;

/** Bytes that are counted at a time. */
const STRIDE = 4096;

/**
 * No fewer than the points of a payload, where they are no more than `enough`: a field has an `=`; a line that is none counts as
 * one too. Looks closer, at what is no tag, where that comes to more, and not at all where the length alone makes that likely.
 */
export function mostLinePoints(payload: Uint8Array, enough: number): number {
  if (payload.length > enough * BYTES_PER_POINT) return Number.POSITIVE_INFINITY;
  let most = 1;
  for (let end = 0; end < payload.length && most <= enough; ) {
    let at = end;
    end = Math.min(end + STRIDE, payload.length);
    for (; at < end; at++) most += COUNTED[payload[at] as number] as number;
  }
  const bytes = asBuffer(payload);
  // Within a text, or behind a backslash, neither a space nor an end of a line is one.
  return most <= enough || bytes.includes(QUOTE) || bytes.includes(BACKSLASH)
    ? most
    : mostFields(bytes, enough);
}

function mostFields(bytes: Buffer, enough: number): number {
  let most = 0;
  let fields = 0;
  let inKey = true;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at];
    if (code === NEWLINE) {
      most += Math.max(fields, 1);
      if (most > enough) return most;
      fields = 0;
      inKey = true;
    } else if (code === SPACE) {
      inKey = false;
    } else if (code === EQUALS && !inKey) {
      fields++;
    }
  }
  return most + Math.max(fields, 1);
}
