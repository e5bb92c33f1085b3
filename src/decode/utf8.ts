import type { PointEmitter } from './point-emitter.ts';

const strict = new TextDecoder('utf-8', { fatal: true });

/** The text of a payload, without a byte order mark; undefined where it is not UTF-8 and was rejected. */
export function readUtf8(payload: Uint8Array, points: PointEmitter): string | undefined {
  try {
    return strict.decode(payload);
  } catch {
    points.reject('payload_not_utf8', `invalid UTF-8 at byte ${invalidAt(payload)}`, null);
    return undefined;
  }
}

/** Looked for from the start on, in ever more of the payload: what is not text is so within its first bytes. */
const FIRST_LOOK_BYTES = 1024;

/** Decoded leniently and encoded again, the bytes differ first where they were invalid. */
function invalidAt(payload: Uint8Array): number {
  for (let size = FIRST_LOOK_BYTES; ; size *= 2) {
    const part = payload.subarray(0, size);
    const lenient = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(part));
    const at = part.findIndex((byte, index) => byte !== lenient[index]);
    if (part.length === payload.length) return at === -1 ? payload.length : at;
    // The last character of a part may be cut: four bytes at most.
    if (at !== -1 && at < size - 4) return at;
  }
}
