import { emitDocument } from '../document.ts';
import type { Format } from './format.ts';
import { readJson } from './json.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { readUtf8 } from '../utf8.ts';
import { readValue } from './value.ts';

/** JSON where the payload begins like an object or array; a scalar otherwise. Broken JSON is never taken for text. */
export const autoFormat: Format = {
  what: 'whichever of them it looks like',
  unused: [],
  parse(payload: Uint8Array, points: PointEmitter): unknown {
    const text = readUtf8(payload, points);
    if (text === undefined) {
      return undefined;
    }
    return /^\s*[[{]/.test(text) ? readJson(text, points) : readValue(text, points);
  },
  emit: emitDocument,
};
