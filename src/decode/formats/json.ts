import { emitDocument } from '../document.ts';
import type { Format } from './format.ts';
import { itemBudget, keyBudget, type PartLimits, valueBudget } from './budget.ts';
import { asBuffer } from './byte-reader.ts';
import { readMembers } from './json-members.ts';
import { JsonReader } from './json-reader.ts';
import { emitRows, JsonRows, readRows } from './json-rows.ts';
import { type JsonBudget, type JsonTraits, scanJson } from './json-scan.ts';
import { DifferentTexts } from '../different-texts.ts';
import type { Fault } from '../item.ts';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { readUtf8 } from '../utf8.ts';

/** One JSON document (RFC 8259). Of keys that occur twice the last counts. */
export const jsonFormat: Format = {
  what: 'JSON',
  unused: [],
  parse: readJson,
  parseMembers: readMembers,
  emit: emitJson,
};

/** Longer ones may have more keys than are remembered. */
const SHORT = 65_536;

const reader = new JsonReader();
/** Keys of a document that only the reader reads. */
const different = new DifferentTexts();

/**
 * Undefined where the bytes are not JSON, or too deep, and were rejected. Integers beyond 2^53 may be bigints: they matter as
 * epochs in nanoseconds, whose microseconds would be wrong after rounding.
 */
export function readJson(payload: Uint8Array, points: PointEmitter, match?: TopicMatch): unknown {
  const { limits } = points;
  const rows = match === undefined ? null : readRows(asBuffer(payload), points, match);
  if (rows !== null) return rows;
  // No document has more values than bytes.
  const short = payload.length <= Math.min(SHORT, valueBudget(limits));
  const room = match?.plan.bare === true && points.trace === null ? points.room : null;
  const document = short ? reader.read(asBuffer(payload), budgetOf(limits), room) : undefined;
  return document === undefined ? parseJson(payload, points) : document;
}

/** Of what `readJson` returned to a format that hands it the match. */
export function emitJson(document: unknown, match: TopicMatch, points: PointEmitter): void {
  if (!(document instanceof JsonRows)) emitDocument(document, match, points);
  else if (!emitRows(document, match, points))
    emitDocument(readJson(document.payload, points), match, points);
}

let known: { readonly limits: PartLimits; readonly budget: JsonBudget } | null = null;

function budgetOf(limits: PartLimits): JsonBudget {
  if (known?.limits !== limits) {
    const [items, values, keys] = [itemBudget(limits), valueBudget(limits), keyBudget(limits)];
    known = { limits, budget: { nesting: limits.nesting, items, values, keys } };
  }
  return known.budget;
}

/** Says what is wrong, too. */
function parseJson(payload: Uint8Array, points: PointEmitter): unknown {
  const text = readUtf8(payload, points);
  if (text === undefined) {
    return undefined;
  }
  const most = budgetOf(points.limits);
  let traits = scanJson(text, most, true);
  if (traits.longIntegers) {
    // A reviver costs many times what the reader does, which has them by itself.
    different.clear();
    const exact = reader.read(asBuffer(payload), { ...most, different });
    if (exact !== undefined) return exact;
    traits = scanJson(text, most);
  }
  const fault = faultOf(traits, most);
  if (fault !== null) {
    points.reject(fault.code, fault.detail, null);
    return undefined;
  }
  try {
    return traits.longIntegers ? JSON.parse(text, keepLongInteger) : JSON.parse(text);
  } catch (error) {
    points.reject('payload_not_json', reason(error), null);
    return undefined;
  }
}

/** What a text has too much of; null: nothing. */
function faultOf({ tooDeep, items, values, keys }: JsonTraits, most: JsonBudget): Fault | null {
  if (tooDeep) return { code: 'payload_too_deep', detail: `more than ${most.nesting} levels` };
  if (keys > most.keys) return { code: 'too_many_names', detail: `more than ${most.keys} different keys` };
  if (items > most.items)
    return { code: 'too_many_points', detail: `more than ${most.items} arrays and objects` };
  return values > most.values ? { code: 'too_many_points', detail: `more than ${most.values} values` } : null;
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
