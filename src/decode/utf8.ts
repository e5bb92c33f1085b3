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

/** Decoded leniently and encoded again, the bytes differ first where they were invalid. */
function invalidAt(payload: Uint8Array): number {
  const lenient = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload));
  const at = payload.findIndex((byte, index) => byte !== lenient[index]);
  return at === -1 ? payload.length : at;
}
