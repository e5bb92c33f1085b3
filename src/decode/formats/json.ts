import { emitDocument } from '../document.ts';
import type { Format } from './format.ts';
import { keyBudget, itemBudget, valueBudget } from './budget.ts';
import { asBuffer } from './byte-reader.ts';
import { readMembers } from './json-members.ts';
import { JsonReader } from './json-reader.ts';
import { scanJson } from './json-scan.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { readUtf8 } from '../utf8.ts';

/** One JSON document (RFC 8259). Of keys that occur twice the last counts. */
export const jsonFormat: Format = {
  what: 'JSON',
  unused: [],
  parse: readJson,
  parseMembers: readMembers,
  emit: emitDocument,
};

/** Longer ones may have more parts than the limits allow, and more keys than are remembered. */
const SHORT = 65_536;
/** Of a key with a value: `"a":1,`. */
const LEAST_KEY_BYTES = 6;

const reader = new JsonReader();

/**
 * Undefined where the bytes are not JSON, or too deep, and were rejected. Integers beyond 2^53 may be bigints: they matter as
 * epochs in nanoseconds, whose microseconds would be wrong after rounding.
 */
export function readJson(payload: Uint8Array, points: PointEmitter): unknown {
  const { limits } = points;
  // No document has more values than bytes; a key takes some of them.
  const short = payload.length <= Math.min(SHORT, itemBudget(limits), keyBudget(limits) * LEAST_KEY_BYTES);
  const document = short ? reader.read(asBuffer(payload), limits.nesting) : undefined;
  return document === undefined ? parseJson(payload, points) : document;
}

/** Says what is wrong, too. */
function parseJson(payload: Uint8Array, points: PointEmitter): unknown {
  const text = readUtf8(payload, points);
  if (text === undefined) {
    return undefined;
  }
  const { nesting } = points.limits;
  const most = keyBudget(points.limits);
  const { tooDeep, longIntegers, objects, values, keys } = scanJson(text, nesting, most);
  if (tooDeep) {
    points.reject('payload_too_deep', `more than ${nesting} levels`, null);
    return undefined;
  }
  if (keys > most) {
    points.reject('too_many_names', `more than ${most} different keys`, null);
    return undefined;
  }
  if (objects > itemBudget(points.limits) || values > valueBudget(points.limits)) {
    points.reject('too_many_points', `${values} values, ${objects} of them arrays and objects`, null);
    return undefined;
  }
  // A reviver costs many times what the reader does, which has them by itself.
  const exact = longIntegers ? reader.read(asBuffer(payload), nesting) : undefined;
  if (exact !== undefined) return exact;
  try {
    return longIntegers ? JSON.parse(text, keepLongInteger) : JSON.parse(text);
  } catch (error) {
    points.reject('payload_not_json', reason(error), null);
    return undefined;
  }
}

function keepLongInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  const long = typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined;
  return long && /^-?\d+$/.test(source) && source.length <= 20 ? BigInt(source) : value;
}

/** The parser's message without the piece of the payload that it quotes. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, (?:\.\.\.)?".*is not valid JSON$/s, '');
}
