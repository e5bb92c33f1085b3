/** Which series the fields of a line belong to: by its measurement, its tags and the route. */

import type { SeriesMeta } from '../../pipeline/types.ts';
import type { Expression } from '../../config/expression.ts';
import { evaluate, type Scope } from '../expression.ts';
import type { TopicMatch } from '../router.ts';
import { setMember } from './byte-reader.ts';
import { ByteTable } from './byte-table.ts';
import type { LineScanner } from './line-scanner.ts';
import { MatchMemory } from './match-memory.ts';

/** More tags of a line name nothing that people look at. */
export const MOST_LINE_TAGS = 256;

/** What all lines with the same measurement and tags have in common. */
export interface LineSeries {
  /** As the route reads it of the line; the topic's where it reads it there. */
  readonly deviceId: unknown;
  /** The payload that it was counted in last, by its number. */
  countedIn: number;
  /** The fields by their names as they are written, in the order of the first line, and the metric of each; none before it ends. */
  fields: readonly string[];
  metrics: readonly (string | null)[];
  /** The metrics of fields that came elsewhere in a line. */
  strays: Map<string, string> | null;
  readonly meta: SeriesMeta | null;
  /** The line as paths see it: `@.measurement`, `@.tags.host`, `@.field`. */
  readonly item: LineItem;
  readonly suffix: string;
}

interface LineItem {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What metrics of the same measurement and field begin with: `cpu.usage_idle`. */
interface Stem {
  readonly measurement: string;
  readonly fieldKey: string;
  readonly text: string;
}

/** More fields than Telegraf's inputs write in a line, and longer than they name them. */
const [MOST_STEMS, LONGEST_STEM] = [256, 256];

/** What a series takes in the memory of the catalog beside its tags, in parts of about 100 bytes. */
const SERIES = 8;

const NO_FIELDS: readonly string[] = [];

/** Finds the series of lines, known ones by their beginning as it is written. */
export class LineCatalog {
  readonly #known = new MatchMemory(() => new ByteTable<LineSeries>());
  readonly #stems: Stem[] = [];
  /** Of the latest message's expression for the device: it asks often. */
  #device: Expression | null = null;
  #deviceTags: DeviceTags = { names: [], sole: null };

  /** To be called before each payload. */
  begin(): void {
    this.#known.begin();
  }

  /** Of the line whose key the scanner has just gone through; null where that is none. */
  find(line: LineScanner, match: TopicMatch, scope: Scope): LineSeries | null {
    return (
      this.#known.of(match).get(line.bytes, line.keyStart, line.keyEnd, line.keyHash) ??
      this.#read(line, match, scope)
    );
  }

  #read(line: LineScanner, match: TopicMatch, scope: Scope): LineSeries | null {
    const { deviceId } = match.plan;
    if (deviceId !== this.#device) {
      this.#device = deviceId;
      this.#deviceTags = { names: tagsOf(deviceId), sole: soleTag(deviceId) };
    }
    const key = line.bytes.toString('latin1', line.keyStart, line.keyEnd);
    const text = line.keyIsAscii ? key : line.bytes.toString('utf8', line.keyStart, line.keyEnd);
    const series = readSeries(text, match, scope, this.#deviceTags);
    if (series !== null) {
      const tags = Object.keys(series.item.tags).length;
      this.#known.grow(SERIES + tags, 2 * key.length + series.suffix.length);
      this.#known.of(match).add(key, line.keyHash, series);
    }
    return series;
  }

  /** `position`: the field's in its line. Null where the route's path leads to no text. */
  metricName(
    fieldKey: string,
    position: number,
    series: LineSeries,
    match: TopicMatch,
    scope: Scope,
  ): string | null {
    const { fields, metrics } = series;
    const known = fields[position] === fieldKey ? metrics[position] : series.strays?.get(fieldKey);
    if (known !== undefined) {
      return known;
    }
    const name =
      match.plan.metricName === null
        ? this.#stem(fieldKey, position, series.item.measurement) + series.suffix
        : nameByRoute(match.plan.metricName, unescape(fieldKey), series, match, scope);
    if (name !== null && fields.length > 0) {
      this.#known.grow(1, fieldKey.length + name.length);
      series.strays ??= new Map();
      series.strays.set(fieldKey, name);
    }
    return name;
  }

  /** Lines of one measurement follow each other, with the same fields in the same places. */
  #stem(fieldKey: string, position: number, measurement: string): string {
    const latest = this.#stems[position];
    if (latest?.fieldKey === fieldKey && latest.measurement === measurement) return latest.text;
    const text = `${measurement}.${unescape(fieldKey)}`;
    if (position < MOST_STEMS && text.length <= LONGEST_STEM)
      this.#stems[position] = { measurement, fieldKey, text };
    return text;
  }

  /** Keeps so many fields of the first line of a series, and the metrics of them. */
  learn(
    series: LineSeries,
    fields: readonly string[],
    metrics: readonly (string | null)[],
    count: number,
  ): void {
    series.fields = fields.slice(0, count);
    series.metrics = metrics.slice(0, count);
    const characters = [...series.fields, ...series.metrics].reduce(
      (sum, text) => sum + (text?.length ?? 0),
      0,
    );
    this.#known.grow(count, characters);
  }
}

/** The tags that name the device. */
interface DeviceTags {
  readonly names: readonly string[];
  /** The one whose value it is as it is written; null where the expression is more than that. */
  readonly sole: string | null;
}

/** Null where the key is none. */
function readSeries(key: string, match: TopicMatch, scope: Scope, device: DeviceTags): LineSeries | null {
  // A look for each part would take longer than the parts themselves: hardly any key has one.
  const escapes = key.includes('\\');
  const parts = escapes ? splitUnescaped(key) : key.split(',');
  const measurement = parts[0] ?? '';
  if (measurement === '' || parts.length > MOST_LINE_TAGS + 1) {
    return null;
  }
  const tags: Record<string, string> = {};
  for (let index = 1; index < parts.length; index++) {
    const part = parts[index] as string;
    const equals = escapes ? unescaped(part, '=', 0) : part.indexOf('=');
    if (equals < 1 || equals === part.length - 1) return null;
    if ((escapes ? unescaped(part, '=', equals + 1) : part.indexOf('=', equals + 1)) !== -1) return null;
    const name = part.slice(0, equals);
    const value = part.slice(equals + 1);
    setMember(tags, escapes ? unescape(name) : name, escapes ? unescape(value) : value);
  }
  const item = { measurement: escapes ? unescape(measurement) : measurement, tags };
  const { deviceId, route } = match.plan;
  const isOwn = device.names.some((name) => Object.hasOwn(tags, name));
  let others = isOwn ? null : tags;
  let suffix = '';
  const names = Object.keys(tags);
  for (const name of names.length > 1 ? names.toSorted() : names) {
    const value = tags[name] ?? '';
    if (isOwn) {
      if (device.names.includes(name)) continue;
      setMember((others ??= {}), name, value);
    }
    if (route.metric_tags === undefined || route.metric_tags.includes(name)) {
      suffix += escapes ? `,${escapeName(name)}=${escapeName(value)}` : `,${name}=${value}`;
    }
  }
  scope.payload = item;
  scope.item = item;
  return {
    deviceId:
      match.deviceId ?? (device.sole === null ? evaluate(deviceId, scope) : ownValue(tags, device.sole)),
    countedIn: 0,
    fields: NO_FIELDS,
    metrics: NO_FIELDS,
    strays: null,
    meta: others === null || names.length === 0 ? null : { tags: others },
    item,
    suffix,
  };
}

function ownValue(tags: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(tags, name) ? tags[name] : undefined;
}

/** The tags that an expression reads. */
function tagsOf(expression: Expression): string[] {
  if (expression.kind === 'path') {
    const [, name] = expression.steps;
    return expression.steps[0] === 'tags' && typeof name === 'string' ? [name] : [];
  }
  if (expression.kind === 'first') return expression.choices.flatMap(tagsOf);
  return expression.holes.flatMap((hole) => (hole.kind === 'path' ? tagsOf(hole) : []));
}

/** The tag whose value an expression is, and nothing else. */
function soleTag(expression: Expression): string | null {
  const isSole = expression.kind === 'path' && expression.steps.length === 2;
  return isSole ? (tagsOf(expression)[0] ?? null) : null;
}

/** What the route names it, and the tags; null where the route's path leads to no text. */
function nameByRoute(
  metricName: Expression,
  field: string,
  { item, suffix }: LineSeries,
  match: TopicMatch,
  scope: Scope,
): string | null {
  scope.item = { ...item, field };
  const name = match.metricName ?? evaluate(metricName, scope);
  scope.item = item;
  return typeof name === 'string' ? name + suffix : null;
}

/** Splits at the commas that have no backslash before them. */
function splitUnescaped(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let end = 0; (end = unescaped(text, ',', start)) !== -1; start = end + 1) {
    parts.push(text.slice(start, end));
  }
  return [...parts, text.slice(start)];
}

/** Where a text has a character without a backslash before it, looked for from `start`; -1 where it has none. */
function unescaped(text: string, char: ',' | '=', start: number): number {
  for (let at = start; at < text.length; at++) {
    const found = text.charAt(at);
    if (found === char) return at;
    if (found === '\\') at++;
  }
  return -1;
}

/** A backslash before anything else stands for itself. */
function unescape(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([,= ])/g, '$1') : text;
}

/** What would make two sets of tags one name. */
function escapeName(text: string): string {
  return text.includes(',') || text.includes('=') ? text.replaceAll(/[,=]/g, '\\$&') : text;
}
