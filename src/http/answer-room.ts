/**
 * Room to write answers into, used again. What is outside of V8's heap counts for its next collection too: an answer of a
 * quarter of a megabyte in memory of its own, grown from a small one, made for a whole collection every twenty answers or so.
 */

import type { ServerResponse } from 'node:http';
import { ByteText } from './byte-text.ts';

const ROOM = 256 * 1024;
/** Of larger ones and more of them none is kept. */
const MOST_ROOM = 1024 * 1024;
const MOST_KEPT = 8;

const kept: ByteText[] = [];

/** Room for an answer of this response; it is given back once all of that was handed to the operating system. */
export function answerRoom(response: ServerResponse): ByteText {
  const out = kept.pop() ?? new ByteText(ROOM);
  out.clear();
  // Where it breaks off instead, some of it may still be on its way: that room is left to the garbage.
  response.once('finish', () => {
    if (out.room <= MOST_ROOM && kept.length < MOST_KEPT) kept.push(out);
  });
  return out;
}
