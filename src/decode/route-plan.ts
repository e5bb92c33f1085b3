import { type Expression, parseExpression, parsePath, type PathExpression } from '../config/expression.ts';
import { parseValues, vocabulary, wildPath } from '../config/mapping.ts';
import type { RouteConfig } from '../config/route.ts';
import { readDuration } from '../config/units.ts';
import { compileTransform } from '../config/transform.ts';
import { compileConditions, type Conditions } from './conditions.ts';
import { compileEmbedded, type Embedded } from './embedded.ts';
import type { Format } from './formats/format.ts';
import { FORMATS } from './formats/table.ts';
import { compileGlobs } from './glob.ts';
import { MetricRules } from './metric-rules.ts';
import { Repeats } from './repeats.ts';
import { reservedKeys } from './reserved-keys.ts';
import { compileNotes, type SeriesNotes } from './series-notes.ts';
import { compileWords, type Words } from './scalar.ts';
import { TimeZone } from './time-zone.ts';
import { parseTopicPattern, type TopicPattern } from './topic-pattern.ts';
import { parseTopicTemplate, type TopicTemplate } from './topic-template.ts';

/** A route made ready to decode with. */
export interface RoutePlan {
  readonly route: RouteConfig;
  readonly topic: TopicTemplate;
  /** Topics that it leaves to later routes, or to nobody. */
  readonly ignored: readonly TopicPattern[];
  /** What the payload, and what an item of it, must hold. */
  readonly conditions: Conditions;
  readonly itemConditions: Conditions;
  /** What the document holds in base64; null: nothing. */
  readonly embedded: readonly Embedded[] | null;
  /** Makes another document of the payload, or throws; null: takes it as it is. */
  readonly transform: ((document: unknown) => unknown) | null;
  readonly deviceId: Expression;
  /** Null: the payload names its metrics. */
  readonly metricName: Expression | null;
  readonly value: Expression | null;
  /** Where in an item the value is, for people: `.value`. */
  readonly inner: string;
  /** Metrics that the route picks one by one; null: none. */
  readonly picks: readonly Pick[] | null;
  /** Whether it takes nothing but these. */
  readonly picksOnly: boolean;
  readonly timestamp: Expression | null;
  readonly each: PathExpression | null;
  /** Whether an array is a list of items although there is no `each`. */
  readonly listed: boolean;
  /** Keys of an object of metrics that are none, because the route reads them as something else. */
  readonly reserved: ReadonlySet<string>;
  /** Whether it takes a document as it is: values are where they are by default, and nothing is asked or said of them. */
  readonly bare: boolean;
  /** Whether it takes every metric, under its own name, says nothing of it, and its values are no units. */
  readonly takesAll: boolean;
  /** Whether all that it reads are the members of an object, for their names, values and time: in any case, and not by a path. */
  readonly membersOnly: boolean;
  /** Null: takes every metric. */
  readonly selects: ((metricName: string) => boolean) | null;
  /** Null: nothing is said of single metrics. */
  readonly rules: MetricRules | null;
  /** Null: nothing is said of series beyond their points. */
  readonly notes: SeriesNotes | null;
  /** How many points a byte of the payload may become, compared with a route that takes it as it is. */
  readonly growth: number;
  readonly words: Words;
  /** Null: the same message again is a message. */
  readonly repeats: Repeats | null;
  readonly zone: TimeZone;
  /** Microseconds since 1970: times before it are none. */
  readonly unsetBefore: number;
}

/** What the route says, of which the rest follows. */
type Stated = Omit<RoutePlan, 'bare' | 'takesAll' | 'membersOnly'>;

/** An entry of `values`; `path` is its value where that has wildcards. */
export type Pick = ReturnType<typeof parseValues>;

/** Throws an Error that names the key; a configuration is checked before. */
export function planRoute(route: RouteConfig): RoutePlan {
  const topic = attempt('topic', () => parseTopicTemplate(route.topic));
  const known = attempt('each', () => vocabulary(route, topic.names));
  const each = route.each === undefined ? null : parsePath(route.each);
  const expression = (key: 'device_id' | 'metric_name' | 'timestamp'): Expression | null => {
    const named = key !== 'timestamp' && topic.names.includes(key);
    // Of Sparkplug the topic tells it, by the format's own rule.
    const implied = key === 'device_id' && route.format === 'sparkplug_b' ? '$.device_id' : undefined;
    const text = route[key] ?? (named ? `{${key}}` : implied);
    return text === undefined ? null : attempt(key, () => parseExpression(text, known));
  };
  const deviceId = expression('device_id') ?? devicePath(FORMATS[route.format]);
  if (deviceId === null) {
    throw new Error(`route ${route.name}: device_id is missing, and the topic has no level {device_id}`);
  }
  const metricName = expression('metric_name');
  const timestamp = expression('timestamp');
  const value = attempt('value', () =>
    route.value === undefined ? null : (wildPath(route.value) ?? parseExpression(route.value, known)),
  );
  const picks = attempt('values', () =>
    Object.entries(route.values ?? {}).map(([name, from]) => parseValues(name, from, known)),
  );
  const conditions = attempt('when', () => compileConditions(route, known));
  const picksOnly = picks.length > 0 && value === null && metricName === null;
  const plan: Stated = {
    route,
    topic,
    ignored: route.ignore.map(parseTopicPattern),
    conditions: conditions.message,
    itemConditions: conditions.item,
    embedded: attempt('base64', () => compileEmbedded(route)),
    transform: attempt('transform', () =>
      route.transform === undefined ? null : compileTransform(route.transform),
    ),
    deviceId,
    metricName,
    value,
    inner: value?.kind === 'path' ? value.text.replace(/^[$@]\^*/, '') : '',
    picks: picks.length === 0 ? null : picks,
    picksOnly,
    timestamp,
    each,
    listed: each === null && !picksOnly && !readsPayload(value),
    reserved: reservedKeys(value, each, [deviceId, timestamp], route),
    selects: compileGlobs(route.include, route.exclude),
    rules: attempt('metrics', () =>
      route.metrics === undefined ? null : new MetricRules(route.metrics, known),
    ),
    notes: attempt('tags', () => compileNotes(route, known)),
    growth: growth(route, each, [value, ...picks.map((pick) => pick.value)]),
    words: compileWords(route),
    repeats: route.dedupe === undefined ? null : new Repeats((readDuration(route.dedupe.within) ?? 0) * 1000),
    zone: attempt('time_zone', () => new TimeZone(route.time_zone)),
    unsetBefore:
      route.unset_before === undefined ? Number.NEGATIVE_INFINITY : Date.parse(route.unset_before) * 1000,
  };
  const bare = isBare(plan);
  const takesAll =
    plan.selects === null && plan.rules === null && plan.notes === null && route.value_is !== 'unit';
  return { ...plan, bare, takesAll, membersOnly: bare && metricName === null && timestamp === null };

  function attempt<T>(key: keyof RouteConfig, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`route ${route.name}: ${key} ${reason}`, { cause: error });
    }
  }
}

function isBare(plan: Stated): boolean {
  const { conditions, itemConditions, embedded, transform, value, picks, each, rules, notes } = plan;
  const asked = [conditions, itemConditions, embedded, transform, value, picks, each, rules, notes];
  return asked.every((said) => said === null);
}

function devicePath({ device }: Format): PathExpression | null {
  return device === undefined ? null : parsePath(device);
}

/** Whether an expression reads the payload by a path of its own. */
function readsPayload(value: Expression | null): boolean {
  if (value?.kind === 'first') return value.choices.some(readsPayload);
  return value?.kind === 'path' && value.root === 'payload';
}

/**
 * Each value may take all of an item; one that is outside of the items is there once for each of them. What a transform
 * makes is unknown.
 */
function growth(
  { transform }: RouteConfig,
  each: PathExpression | null,
  values: readonly (Expression | null)[],
): number {
  const outside = values.some((value) => value !== null && leadsOut(value));
  return transform !== undefined || (each !== null && outside)
    ? Number.POSITIVE_INFINITY
    : Math.max(1, values.length);
}

function leadsOut(value: Expression): boolean {
  if (value.kind === 'first') return value.choices.some(leadsOut);
  return value.kind === 'path' && (value.root === 'payload' || value.out > 0);
}
