/** Tells CBOR and MessagePack apart in bytes that are no text, and from bytes that are neither. */

import { isList, isObject, type List } from '../json-value.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { readUtf8 } from '../utf8.ts';
import { Recognised } from './recognised.ts';
import { Excess } from '../excess.ts';
import { ByteReader, Malformed } from './byte-reader.ts';
import { readCbor } from './cbor-reader.ts';
import { readMsgpack } from './msgpack.ts';
import { senmlFormat } from './senml.ts';
import { isSenml, readCborPack } from './senml-record.ts';

const CBOR_ARRAY = 4;
/** Arrays, maps, and what has a tag: all else names nothing. To try them on bytes of another format costs an error each. */
const CBOR_NAMES: ReadonlySet<number> = new Set([CBOR_ARRAY, 5, 6]);

/** Whether an array or a map of MessagePack begins with the byte. */
function isMsgpackList(first: number): boolean {
  return (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);
}

/**
 * Certain are whole messages that name what is in them: objects, or lists of objects, whose keys are printable texts. A bare
 * number could be many things. What two formats could read is rejected: neither is guessed.
 */
export function recogniseBytes(payload: Uint8Array, points: PointEmitter, namesMetrics: boolean): unknown {
  const major = (payload[0] as number) >> 5;
  const pack = namesMetrics && major === CBOR_ARRAY ? attempt(payload, readCborPack, points) : undefined;
  if (isSenml(pack)) {
    points.infinities = true;
    return new Recognised(pack, senmlFormat);
  }
  const cbor = CBOR_NAMES.has(major) ? attempt(payload, readCbor, points) : undefined;
  const msgpack = isMsgpackList(payload[0] as number) ? attempt(payload, readMsgpack, points) : undefined;
  const found = [cbor, msgpack].filter(isNamed);
  if (found.length === 1) {
    points.infinities = true;
    return found[0];
  }
  const excess = [cbor, msgpack].find((attempted) => attempted instanceof Excess);
  if (found.length === 2) {
    points.reject('payload_ambiguous', 'CBOR and MessagePack can both read it', null);
  } else if (excess === undefined) {
    readUtf8(payload, points);
  } else {
    points.reject(excess.code, excess.message, null);
  }
  return undefined;
}

/** What the bytes are in a format; undefined where they are none, and Excess itself where they are too much. */
function attempt(payload: Uint8Array, read: (reader: ByteReader) => unknown, points: PointEmitter): unknown {
  try {
    return read(new ByteReader(payload, points.limits, points.room));
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    if (error instanceof Excess) return error;
    throw error;
  }
}

function isNamed(document: unknown): boolean {
  if (isList(document)) {
    return document.length > 0 && everyItem(document, isNamedObject);
  }
  return isNamedObject(document);
}

function everyItem(list: List, holds: (item: unknown) => boolean): boolean {
  for (let index = 0; index < list.length; index++) {
    if (!holds(list[index])) return false;
  }
  return true;
}

function isNamedObject(item: unknown): boolean {
  if (!isObject(item)) {
    return false;
  }
  const keys = Object.keys(item);
  return keys.length > 0 && keys.every((key) => key !== '' && !/^-?\d+$|\p{Cc}/u.test(key));
}
