/** What a route says of the series beyond their points: tags, units and the device's name. */

import { type Expression, parseExpression, type Vocabulary } from '../config/expression.ts';
import { parseValues } from '../config/mapping.ts';
import type { RouteConfig } from '../config/route.ts';
import type { SeriesMeta } from '../pipeline/types.ts';
import { evaluate, evaluateText, type Scope, textOf, walk } from './expression.ts';
import { isName } from './names.ts';

type Tag = ReturnType<typeof parseValues>;

/** Of devices that bring their own; the others are left out. */
const MOST_TAGS = 64;
/** UTF-16 units of a label. */
const LONGEST = 255;
/** What was said before is the same object again, as `PointWriter.describe` wants it; beyond this the memory starts anew. */
const REMEMBERED = 10_000;

const merged = new WeakMap<SeriesMeta, WeakMap<SeriesMeta, SeriesMeta>>();

/** What the payload and the route say of a series, the same object each time; the route's word goes first. */
export function mergedNotes(said: SeriesMeta, noted: SeriesMeta | null): SeriesMeta {
  if (noted === null) {
    return said;
  }
  let byNoted = merged.get(said);
  if (byNoted === undefined) {
    byNoted = new WeakMap();
    merged.set(said, byNoted);
  }
  let both = byNoted.get(noted);
  if (both === undefined) {
    const tags = { ...said.tags, ...noted.tags };
    both = { ...said, ...noted, ...(Object.keys(tags).length > 0 && { tags }) };
    byNoted.set(noted, both);
  }
  return both;
}

export class SeriesNotes {
  readonly #tags: readonly Tag[];
  readonly #deviceName: Expression | null;
  /** By what was said of the item, then by unit. */
  #said = new Map<string, Map<string | undefined, SeriesMeta>>();
  #count = 0;

  constructor(tags: readonly Tag[], deviceName: Expression | null) {
    this.#tags = tags;
    this.#deviceName = deviceName;
  }

  /** What is said of the series of the current item, for `of`. */
  ofItem(scope: Scope): string {
    const tags: [string, string][] = [];
    const add = (name: Expression, value: unknown) => {
      const [key, text] = [evaluateText(name, scope), textOf(value)];
      if (isLabel(key) && isLabel(text) && tags.length < MOST_TAGS) tags.push([key, text]);
    };
    for (const { name, path, value } of this.#tags) {
      if (path === null) add(name, evaluate(value, scope));
      else walk(path, scope, (found) => add(name, found));
    }
    const deviceName = this.#deviceName === null ? undefined : evaluateText(this.#deviceName, scope);
    return JSON.stringify([tags, isLabel(deviceName) ? deviceName : null]);
  }

  /** Null where nothing is said. */
  of(item: string, unitAsSent: string | undefined): SeriesMeta | null {
    const unit = isLabel(unitAsSent) ? unitAsSent : undefined;
    let byUnit = this.#said.get(item);
    const known = byUnit?.get(unit);
    if (known !== undefined) return known;
    const [tags, deviceName] = JSON.parse(item) as [[string, string][], string | null];
    if (tags.length === 0 && deviceName === null && unit === undefined) return null;
    const meta: SeriesMeta = {
      ...(unit !== undefined && { unit }),
      ...(tags.length > 0 && { tags: Object.fromEntries(tags) }),
      ...(deviceName !== null && { deviceName }),
    };
    if (++this.#count > REMEMBERED) {
      this.#said = new Map();
      this.#count = 1;
      byUnit = undefined;
    }
    if (byUnit === undefined) {
      byUnit = new Map();
      this.#said.set(item, byUnit);
    }
    byUnit.set(unit, meta);
    return meta;
  }
}

/** Null where the route says nothing. Throws an Error that goes on after the key. */
export function compileNotes(route: RouteConfig, known: Vocabulary): SeriesNotes | null {
  const tags = Object.entries(route.tags ?? {}).map(([name, from]) => parseValues(name, from, known));
  const deviceName = route.device_name === undefined ? null : parseExpression(route.device_name, known);
  const units = Object.values(route.metrics ?? {}).some(({ unit }) => unit !== undefined);
  return tags.length > 0 || deviceName !== null || units ? new SeriesNotes(tags, deviceName) : null;
}

/** PostgreSQL keeps no NUL, and a label that is a document helps nobody. */
export function isLabel(text: string | undefined): text is string {
  return text !== undefined && isName(text, LONGEST);
}
