import { gunzipSync } from 'node:zlib';
import type { PointEmitter } from '../point-emitter.ts';

/** RFC 1952, and no other format that Tidegate reads, begins so: no UTF-8, no CBOR, no MessagePack, no protobuf does. */
export function isGzip(payload: Uint8Array): boolean {
  return payload[0] === 0x1f && payload[1] === 0x8b;
}

/** What is packed in it, up to the limit of a message; undefined where that failed and was rejected. Once only: gzip within gzip stays. */
export function unpackGzip(payload: Uint8Array, points: PointEmitter): Uint8Array | undefined {
  const { messageBytes } = points.limits;
  try {
    const unpacked = gunzipSync(payload, { maxOutputLength: messageBytes });
    if (unpacked.length > 0) {
      return unpacked;
    }
    points.reject('payload_empty', 'no bytes, unpacked', null);
  } catch (error) {
    if (error instanceof RangeError) {
      points.reject('payload_too_large', `more than ${messageBytes} bytes, unpacked`, null);
    } else {
      points.reject('payload_not_gzip', error instanceof Error ? error.message : String(error), null);
    }
  }
  return undefined;
}
