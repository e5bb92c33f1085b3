import { crc32 } from 'node:zlib';

/** Up to here a loop is faster than the call of a native function (40 to 80 ns against 160 to 230 ns). */
const SHORT = 128;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * 32 bits of a topic. Digests are stored: what they are made of must not change. Not against forgery, which would gain a
 * device nothing but the loss of its own message: FNV-1a (Fowler, Noll, Vo; IETF draft-eastlake-fnv), over UTF-16 units.
 */
export function topicDigest(topic: string): number {
  let digest = FNV_OFFSET;
  for (let at = 0; at < topic.length; at++) digest = Math.imul(digest ^ topic.charCodeAt(at), FNV_PRIME);
  return digest >>> 0;
}

/** 32 bits of a payload: FNV-1a of a short one, CRC-32 of a longer one. */
export function payloadDigest(payload: Uint8Array): number {
  if (payload.length > SHORT) return crc32(payload);
  let digest = FNV_OFFSET;
  for (let at = 0; at < payload.length; at++) digest = Math.imul(digest ^ (payload[at] as number), FNV_PRIME);
  return digest >>> 0;
}
