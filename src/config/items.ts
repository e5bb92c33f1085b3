/** Lists of objects in the configuration (routes, tokens): convict does not look inside them. */

import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { showValue } from './mask.ts';
import { type Mistake, notAllowed, type Path } from './mistakes.ts';
import { nearest } from './nearest.ts';

/** What our schemas say about a property beside its type. */
export interface Described {
  readonly description: string;
  readonly allowed: string;
  readonly default?: unknown;
}

export function properties(schema: TObject): [string, TSchema & Described][] {
  return Object.entries(schema.properties) as [string, TSchema & Described][];
}

/**
 * The items with their defaults; undefined stands for an item that has a mistake. Values are texts, as in a file. `others`:
 * keys that an item may have instead of being one of these, whose items are read before.
 */
export function readItems<Schema extends TObject>(
  schema: Schema,
  path: Path,
  items: readonly unknown[],
  sensitive: boolean,
  mistakes: Mistake[],
  others: readonly string[] = [],
): (Static<Schema> | undefined)[] {
  return items.map((item, index) => {
    const found = readItem(schema, [...path, index], item, sensitive, others);
    mistakes.push(...found.mistakes);
    return found.mistakes.length === 0 ? (found.values as Static<Schema>) : undefined;
  });
}

function readItem(
  schema: TObject,
  path: Path,
  item: unknown,
  sensitive: boolean,
  others: readonly string[] = [],
) {
  const mistakes: Mistake[] = [];
  const values: Record<string, unknown> = {};
  const known = properties(schema);
  const names = known.map(([name]) => name);
  const all = [...names, ...others];
  if (!isTree(item)) {
    const text = notAllowed(showValue(item, sensitive), `an object of ${all.join(', ')}`);
    return { values, mistakes: [{ paths: [path], text }] satisfies Mistake[] };
  }
  for (const name of Object.keys(item).filter((name) => !names.includes(name))) {
    const text = others.includes(name)
      ? `says something beside ${others.filter((other) => other !== name).join(', ')} only, which is not there`
      : `is not a known key; the nearest one is ${nearest(name, all)}`;
    mistakes.push({ paths: [[...path, name]], text });
  }
  for (const [name, property] of known) {
    const given = Object.hasOwn(item, name) && !isUnset(item[name]) ? item[name] : undefined;
    const converted = given === undefined ? undefined : Value.Convert(property, structuredClone(given));
    const value = Value.Default(property, converted);
    const entry = entrySchema(property);
    if (entry !== undefined && isTree(given)) {
      const entries = Object.entries(given).map(([key, inner]) => {
        const found = readItem(entry, [...path, name, key], isUnset(inner) ? {} : inner, sensitive);
        mistakes.push(...found.mistakes);
        return [key, found.values];
      });
      values[name] = Object.fromEntries(entries);
    } else if (value === undefined) {
      if ((schema.required as string[] | undefined)?.includes(name) === true) {
        mistakes.push({ paths: [[...path, name]], text: `is missing; needed: ${property.allowed}` });
      }
    } else if (Value.Check(property, value)) {
      values[name] = value;
    } else {
      const text = notAllowed(showValue(given, sensitive), property.allowed);
      mistakes.push({ paths: [[...path, name]], text });
    }
  }
  return { values, mistakes };
}

/** What each entry of a map of objects has. */
function entrySchema(property: TSchema): TObject | undefined {
  const entry = Type.IsRecord(property) ? Object.values(property.patternProperties)[0] : undefined;
  return Type.IsObject(entry) ? entry : undefined;
}

/** An empty key, or YAML's ways to write null, which arrive as text: the key is not set. */
export function isUnset(value: unknown): boolean {
  return value === '' || value === '~' || value === 'null';
}

export function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
