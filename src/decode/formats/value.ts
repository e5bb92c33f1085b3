import { emitDocument } from '../document.ts';
import type { Format } from './format.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { readUtf8 } from '../utf8.ts';

/** One scalar: a number, a word, or text; in JSON's quotes or without. */
export const valueFormat: Format = {
  what: 'one value',
  unused: [],
  parse(payload: Uint8Array, points: PointEmitter): string | undefined {
    const text = readUtf8(payload, points);
    return text === undefined ? undefined : readValue(text, points);
  },
  emit: emitDocument,
};

export function readValue(text: string, points: PointEmitter): string | undefined {
  const trimmed = text.trim();
  if (trimmed === '') {
    points.reject('payload_empty', 'nothing but white space', null);
    return undefined;
  }
  return trimmed.startsWith('"') ? unquote(trimmed, text) : text;
}

function unquote(trimmed: string, text: string): string {
  try {
    return String(JSON.parse(trimmed)); // it begins with a quote: if it parses, it is a string
  } catch {
    return text;
  }
}
