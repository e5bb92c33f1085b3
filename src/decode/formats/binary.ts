/** What the formats of bytes have in common. */

import type { DeadLetterCode } from '../../errors.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { Excess } from '../excess.ts';
import { ByteReader, Malformed } from './byte-reader.ts';

/** Undefined where the bytes are not of the format, or too much, and were rejected with that code. */
export function parseBinary<T>(
  payload: Uint8Array,
  read: (reader: ByteReader) => T,
  code: DeadLetterCode,
  points: PointEmitter,
): T | undefined {
  points.infinities = true;
  try {
    return read(new ByteReader(payload, points.limits, points.room));
  } catch (error) {
    if (error instanceof Malformed) {
      points.reject(code, error.message, null);
    } else if (error instanceof Excess) {
      points.reject(error.code, error.message, null);
    } else {
      throw error;
    }
    return undefined;
  }
}
