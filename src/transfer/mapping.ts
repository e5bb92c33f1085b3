import { routeDefaults } from '../config/route.ts';
import { parsePath, type PathExpression } from '../config/expression.ts';
import { follow, newScope } from '../decode/expression.ts';
import { compileGlobs } from '../decode/glob.ts';
import { compileWords, type Words } from '../decode/scalar.ts';
import { TimeZone } from '../decode/time-zone.ts';
import type { TimeUnit } from '../decode/timestamp.ts';
import { TidegateError } from '../errors.ts';
import type { SourceRecord } from './records.ts';

/**
 * How records become points. A column is the name of one, or a path such as $.a.b where records are objects; a template is
 * a text with columns in braces, `{host}`. Null: as the columns' names suggest.
 */
export interface MappingOptions {
  readonly device: string | null;
  /** A template. Where each column is a metric, {column} is its name. */
  readonly metric: string | null;
  readonly time: string | null;
  /** The column of the values, one a record. */
  readonly value: string | null;
  /** Columns that are a metric each, `*` for any characters. Null: not so. */
  readonly values: readonly string[] | null;
  /** Columns that become tags of the series. */
  readonly tags: readonly string[];
  /** A column that has an object of all of them. */
  readonly tagObject: string | null;
  readonly timeUnit: TimeUnit;
  readonly timeZone: string;
  /** Whether numbers have a comma before their decimals. */
  readonly decimalComma: boolean;
  /** Whether texts are points too. */
  readonly texts: boolean;
  /** In any case of letters; null: those of routes. */
  readonly nullWords: readonly string[] | null;
}

type Read = (record: SourceRecord) => unknown;

/** A text, and the fields between its parts. */
export interface Template {
  readonly parts: readonly string[];
  readonly fields: readonly { readonly name: string; readonly read: Read; readonly optional: boolean }[];
}

/** A mapping onto the columns of a source. */
export interface Mapping {
  readonly device: Template;
  readonly metric: Template;
  readonly time: Read;
  /** Of a record with one value; null: each column that `selects` is a metric. */
  readonly value: Read | null;
  readonly selects: (column: string) => boolean;
  /** Those of the source that are a metric each; empty where records name their own. */
  readonly columns: readonly { readonly name: string; readonly index: number }[];
  /** Where the record says itself what it is, as exports do. */
  readonly kind: Read | null;
  readonly unit: Read | null;
  /** A JSON object of texts, as exports have it. */
  readonly allTags: Read | null;
  readonly deviceName: Read | null;
  readonly tags: readonly { readonly name: string; readonly read: Read }[];
  readonly unitOfTime: TimeUnit;
  readonly zone: TimeZone;
  readonly words: Words;
  readonly decimalComma: boolean;
  readonly texts: boolean;
  /** For people: what is taken from where. */
  readonly description: Readonly<Record<string, string>>;
}

/** Looked for in this order where nobody names a column. */
const USUAL = {
  device: ['device_id', 'device'],
  metric: ['metric_name', 'metric'],
  time: ['timestamp', 'time'],
  value: ['value'],
} as const;
/** The column of a JSON object of tags, as exports have it. */
const TAGS = 'tags';
/** Stands for the name of the column in the template of a metric. */
export const COLUMN = 'column';

/**
 * Throws `usage` where columns are missing. `columns`: those of the source; null: each record has its own, and `first` are
 * those of the first one.
 */
export function compileMapping(
  options: MappingOptions,
  columns: readonly string[] | null,
  first: readonly string[],
): Mapping {
  const has = (name: string): boolean => columns === null || columns.includes(name);
  const known = columns ?? first;
  const usual = (what: keyof typeof USUAL): string | undefined =>
    USUAL[what].find((name) => known.includes(name));
  const read = (name: string): Read => reader(name, columns);
  const timeColumn = options.time ?? usual('time');
  const deviceText = options.device ?? braced(usual('device'));
  const wide = options.values !== null || (options.value === null && usual('value') === undefined);
  const metricText = options.metric ?? (wide ? `{${COLUMN}}` : braced(usual('metric')));
  const valueColumn = wide ? null : (options.value ?? usual('value') ?? null);
  if (timeColumn === undefined) throw missing('time', known);
  if (deviceText === undefined) throw missing('device', known);
  if (metricText === undefined) throw missing('metric', known);
  const device = compileTemplate(deviceText, read);
  const metric = compileTemplate(metricText, (name) => (wide && name === COLUMN ? columnName : read(name)));
  const kind = !wide && has('kind') ? 'kind' : null;
  const unit = !wide && has('unit') ? 'unit' : null;
  for (const name of options.values ?? []) assertSelects(name, columns);
  const globs = compileGlobs(options.values ?? [], []);
  // Where each column is a metric, one that is asked for by its name is.
  const isMetric = wide && globs?.(TAGS) === true;
  const usualTags = has(TAGS) && !isMetric ? TAGS : null;
  const allTags = options.tags.length === 0 ? (options.tagObject ?? usualTags) : null;
  const deviceName = !wide && has('device_name') ? 'device_name' : null;
  const used = new Set([timeColumn, ...options.tags, ...namesIn(device), ...namesIn(metric)]);
  if (allTags !== null) used.add(allTags);
  const selects = (column: string): boolean => !used.has(column) && (globs === null || globs(column));
  return {
    device,
    metric,
    time: read(timeColumn),
    value: valueColumn === null ? null : read(valueColumn),
    selects,
    columns: wide ? (columns ?? []).flatMap((name, index) => (selects(name) ? [{ name, index }] : [])) : [],
    kind: kind === null ? null : read(kind),
    unit: unit === null ? null : read(unit),
    allTags: allTags === null ? null : read(allTags),
    deviceName: deviceName === null ? null : read(deviceName),
    tags: options.tags.map((name) => ({ name, read: read(name) })),
    unitOfTime: options.timeUnit,
    zone: new TimeZone(options.timeZone),
    words: compileWords({
      ...routeDefaults(),
      ...(options.nullWords === null ? {} : { null_words: [...options.nullWords] }),
    }),
    decimalComma: options.decimalComma,
    texts: options.texts,
    description: {
      time: timeColumn,
      device: deviceText,
      metric: metricText,
      values: valueColumn ?? (options.values ?? ['*']).join(', '),
    },
  };
}

function braced(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `{${name}}`;
}

function columnName(): never {
  throw new Error('the name of a column is not a field');
}

/** Of a template's fields that are columns. */
function namesIn({ fields }: Template): string[] {
  return fields.map(({ name }) => name);
}

function missing(what: keyof typeof USUAL, columns: readonly string[]): TidegateError {
  const usual = USUAL[what].join(' or ');
  return new TidegateError(
    'usage',
    `no column ${usual}: name it with --${what}; the columns are ${columns.join(', ')}`,
  );
}

/** Throws `usage` for a column that is not there. */
function reader(name: string, columns: readonly string[] | null): Read {
  if (columns === null) {
    const path = name.startsWith('$') ? pathOf(name) : null;
    const scope = newScope();
    if (path !== null) return ({ fields }) => follow(path, { ...scope, payload: fields, item: fields });
    return ({ fields }) => {
      const object = fields as Readonly<Record<string, unknown>>;
      return Object.hasOwn(object, name) ? object[name] : undefined;
    };
  }
  const index = columns.indexOf(name);
  if (index === -1)
    throw new TidegateError('usage', `no column ${JSON.stringify(name)}; there are ${columns.join(', ')}`);
  return ({ fields }) => (fields as readonly unknown[])[index];
}

/** Throws `usage` where it is no column's name, and of a source without a line of names a path. */
function assertSelects(glob: string, columns: readonly string[] | null): void {
  if (columns === null && /^\$[.[]/.test(glob))
    throw new TidegateError(
      'usage',
      `--values ${JSON.stringify(glob)}: it names keys of the objects, no paths`,
    );
  if (columns === null || columns.some((name) => compileGlobs([glob], [])?.(name) === true)) return;
  throw new TidegateError('usage', `no column ${JSON.stringify(glob)}; there are ${columns.join(', ')}`);
}

function pathOf(text: string): PathExpression {
  try {
    const path = parsePath(text);
    if (path.wildcards > 0) throw new Error('has a wildcard, where one value is expected');
    return path;
  } catch (error) {
    throw new TidegateError('usage', `${JSON.stringify(text)} ${(error as Error).message}`);
  }
}

/** `{name}`, or `{name?}` for what may be missing. */
const PLACEHOLDER = /\{([^{}]*?)(\?)?\}/g;

function compileTemplate(text: string, read: (name: string) => Read): Template {
  const parts: string[] = [];
  const fields: { name: string; read: Read; optional: boolean }[] = [];
  let position = 0;
  for (const placeholder of text.matchAll(PLACEHOLDER)) {
    const [, name = '', mark] = placeholder;
    parts.push(text.slice(position, placeholder.index));
    fields.push({ name, read: read(name), optional: mark === '?' });
    position = placeholder.index + placeholder[0].length;
  }
  parts.push(text.slice(position));
  if (parts.some((part) => /[{}]/.test(part)))
    throw new TidegateError('usage', `${JSON.stringify(text)} has a brace without its partner`);
  return { parts, fields };
}
