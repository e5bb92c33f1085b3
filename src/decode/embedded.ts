/** What a document holds as base64 of another format: the `base64` map of a route. */

import type { PathExpression, Step } from '../config/expression.ts';
import { embeddedPath } from '../config/mapping.ts';
import type { RouteConfig } from '../config/route.ts';
import { readBase64 } from './formats/base64.ts';
import type { Format } from './formats/format.ts';
import { unpacked } from './formats/gzip.ts';
import { Recognised } from './formats/recognised.ts';
import { FORMATS } from './formats/table.ts';
import { isList, isObject } from './json-value.ts';
import { excerpt } from './place.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { TopicMatch } from './router.ts';

export interface Embedded {
  readonly path: PathExpression;
  readonly format: Format;
}

/** Null where there is none. Throws an Error that goes on after the key. */
export function compileEmbedded({ base64 }: Pick<RouteConfig, 'base64'>): readonly Embedded[] | null {
  const entries = Object.entries(base64 ?? {});
  if (entries.length === 0) return null;
  return entries.map(([path, format]) => ({ path: embeddedPath(path), format: FORMATS[format] }));
}

/**
 * The document with what is embedded in the place of its base64; what is not there, or empty, stays so. Undefined where
 * something cannot be read, which was rejected.
 */
export function unpackEmbedded(
  document: unknown,
  embedded: readonly Embedded[],
  points: PointEmitter,
  match: TopicMatch,
): unknown {
  let whole = document;
  for (const { path, format } of embedded) {
    const container = containerOf(whole, path.steps);
    const last = path.steps.at(-1);
    const packed = last === undefined ? whole : container?.[last as string];
    if (packed === undefined || packed === null || packed === '') continue;
    points.within(path.text);
    const packedBytes = readBase64(packed);
    if (packedBytes === null) {
      points.reject('payload_shape', `${excerpt(packed)}, not base64`, null);
      return undefined;
    }
    const bytes = unpacked(packedBytes, points);
    const read = bytes === undefined ? undefined : format.parse(bytes, points, match);
    if (read === undefined) return undefined;
    const inner = read instanceof Recognised ? read.document : read;
    if (container === null || last === undefined) whole = inner;
    else container[last as string] = inner;
    points.at('$', -1, '');
  }
  return whole;
}

/** The object or array that the last step leads out of; null where there is none, or no step. */
function containerOf(document: unknown, steps: readonly Step[]): Record<string, unknown> | null {
  let value = document;
  for (const [index, step] of steps.entries()) {
    const fits = typeof step === 'number' ? isList(value) && Array.isArray(value) : isObject(value);
    if (!fits || !Object.hasOwn(value as object, step)) return null;
    if (index === steps.length - 1) return value as Record<string, unknown>;
    value = (value as Record<string, unknown>)[step as string];
  }
  return null;
}
