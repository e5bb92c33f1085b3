import { gunzipSync } from 'node:zlib';
import type { PointEmitter } from '../point-emitter.ts';

/** RFC 1952, and no other format that Tidegate reads, begins so: no UTF-8, no CBOR, no MessagePack, no protobuf does. */
export function isGzip(payload: Uint8Array): boolean {
  return payload[0] === 0x1f && payload[1] === 0x8b;
}

/** The bytes themselves, or what is packed in them; undefined where that failed and was rejected. */
export function unpacked(bytes: Uint8Array, points: PointEmitter): Uint8Array | undefined {
  const plain = isGzip(bytes) ? unpackGzip(bytes, points) : bytes;
  points.bytes += plain?.length ?? 0;
  return plain;
}

/** Up to the limit of a message. Once only: gzip within gzip stays. */
function unpackGzip(payload: Uint8Array, points: PointEmitter): Uint8Array | undefined {
  const { messageBytes } = points.limits;
  try {
    const plain = gunzipSync(payload, { maxOutputLength: messageBytes });
    if (plain.length > 0) {
      return plain;
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
