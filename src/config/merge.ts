/** convict's part: defaults, file and environment become one tree of values, each read by its format. */

import convict from 'convict';
import type { Override } from './environment.ts';
import { allowed, FORMATS, type FormatName, holds } from './formats.ts';
import { envName, isKey, type Key, type Section } from './key.ts';
import { KEYS, SCHEMA, type Settings } from './schema.ts';

for (const name of Object.keys(FORMATS) as FormatName[]) {
  const format: { read?: (text: string) => unknown } = FORMATS[name];
  convict.addFormat({
    name,
    // a text that cannot be read stays as it is, so that the check sees and reports it
    coerce: (text: string) => format.read?.(text) ?? text,
    validate: (value: unknown, schema) => {
      const key = schema as unknown as Key;
      if (!holds(value, key)) {
        throw new Error(allowed(key));
      }
    },
  });
}

/** The merged values, not validated: convict would tell all mistakes in one text, without their places. */
export function merge(
  values: Readonly<Record<string, unknown>>,
  overrides: ReadonlyMap<string, Override>,
): convict.Config<Settings> {
  const env = Object.fromEntries(KEYS.map((key) => [key.env, overrides.get(key.name)?.text]));
  const merged = convict<Settings>(withEnvironment(SCHEMA, []) as convict.Schema<Settings>, {
    env,
    args: [],
  });
  merged.load(values);
  return merged;
}

function withEnvironment(section: Section, path: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(section).map(([name, node]) => {
      const here = [...path, name];
      return [name, isKey(node) ? { ...node, env: envName(here) } : withEnvironment(node, here)];
    }),
  );
}
