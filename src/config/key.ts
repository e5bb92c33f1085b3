/** What the schema says about a key: a convict schema whose texts also become the manual and the sample file. */

import type { Format, FormatName, FORMATS } from './formats.ts';

export interface Key {
  readonly doc: string;
  readonly format: FormatName;
  /** As it would be written in the file; null: not set. */
  readonly default: string | number | boolean | null;
  /** Must be set; such a key has no default. */
  readonly required?: true;
  /** Masked wherever it is printed; also read from `$CREDENTIALS_DIRECTORY`. */
  readonly sensitive?: true;
  /** For `choice` and `choices`. */
  readonly choices?: readonly string[];
  /** For `publish_topic`: the names that may stand in braces. */
  readonly placeholders?: readonly string[];
  /** Bounds, both included, as they would be written in the file. */
  readonly minimum?: string | number;
  readonly maximum?: string | number;
  /** Shown where there is no default to show. */
  readonly example?: string;
}

export interface Section {
  readonly [name: string]: Key | Section;
}

/** A key with its place. */
export interface NamedKey extends Key {
  /** `ingest.batch.max_points`. */
  readonly name: string;
  /** `TIDEGATE_INGEST_BATCH_MAX_POINTS`. */
  readonly env: string;
}

type FormatValue<Name extends FormatName> =
  (typeof FORMATS)[Name] extends Format<infer Value> ? Value : never;

type ValueOf<K extends Key> =
  | (K extends { readonly choices: readonly (infer Choice)[] }
      ? K['format'] extends 'choices'
        ? readonly Choice[]
        : Choice
      : FormatValue<K['format']>)
  | (K extends { readonly required: true } ? never : K['default'] extends null ? null : never);

/** The values that a section of the schema describes. */
export type ValuesOf<S> = {
  readonly [Name in keyof S]: S[Name] extends Key ? ValueOf<S[Name]> : ValuesOf<S[Name]>;
};

export function isKey(node: Key | Section): node is Key {
  return typeof node['doc'] === 'string';
}

/** Every key below a section, in the order of the schema. */
export function listKeys(section: Section, path: readonly string[] = []): NamedKey[] {
  return Object.entries(section).flatMap(([name, node]) => {
    const here = [...path, name];
    if (!isKey(node)) {
      return listKeys(node, here);
    }
    return [{ ...node, name: here.join('.'), env: envName(here) }];
  });
}

export function envName(path: readonly string[]): string {
  return `TIDEGATE_${path.join('_').toUpperCase()}`;
}
