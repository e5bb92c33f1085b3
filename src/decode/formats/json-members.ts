/** What most devices send: one JSON object of metrics, each a number, a boolean or a text. */

import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { asBuffer, setMember } from './byte-reader.ts';
import { JsonReader } from './json-reader.ts';
import { Members } from './members.ts';

/** Longer ones are lists of something, or seldom. */
const LONGEST = 16_384;

const reader = new JsonReader();
const members = new Members();

/**
 * Members where the route wants nothing but those of an object, and they are plain; the document where it is an object of
 * another kind; undefined where it is no object, or whoever reads it has to look closer.
 */
export function readMembers(
  payload: Uint8Array,
  { limits, trace, room }: PointEmitter,
  { deviceId }: TopicMatch,
): unknown {
  // A member takes more bytes than one, so that there are not too many either.
  const isShort = payload.length <= Math.min(LONGEST, limits.pointsPerMessage);
  if (!isShort || deviceId === null || trace !== null) return undefined;
  if (!reader.readMembers(asBuffer(payload), limits, members, room)) return undefined;
  return members.isPlain ? members : objectOf(members);
}

function objectOf({ names, values, length }: Members): object {
  const object: Record<string, unknown> = {};
  for (let index = 0; index < length; index++) setMember(object, names[index] as string, values[index]);
  return object;
}
