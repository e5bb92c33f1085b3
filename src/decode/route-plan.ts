import type { RouteConfig } from '../config/route.ts';
import { type Expression, type PathExpression, parseExpression, parsePath } from './expression.ts';
import { compileGlobs } from './glob.ts';
import { compileWords, type Words } from './scalar.ts';
import { TimeZone } from './time-zone.ts';
import { parseTopicTemplate, type TopicTemplate } from './topic-template.ts';

/** A route made ready to decode with. */
export interface RoutePlan {
  readonly route: RouteConfig;
  readonly topic: TopicTemplate;
  readonly deviceId: Expression;
  /** Null: the payload names its metrics. */
  readonly metricName: Expression | null;
  readonly value: Expression | null;
  readonly timestamp: Expression | null;
  readonly each: PathExpression | null;
  /** Keys of an object of metrics that are none, because the route reads them as something else. */
  readonly reserved: ReadonlySet<string>;
  /** Null: takes every metric. */
  readonly selects: ((metricName: string) => boolean) | null;
  readonly words: Words;
  readonly zone: TimeZone;
}

/** Throws an Error that names the key; a configuration is checked before. */
export function planRoute(route: RouteConfig): RoutePlan {
  const topic = attempt('topic', () => parseTopicTemplate(route.topic));
  const expression = (key: 'device_id' | 'metric_name' | 'value' | 'timestamp'): Expression | null => {
    const named = (key === 'device_id' || key === 'metric_name') && topic.names.includes(key);
    const text = route[key] ?? (named ? `{${key}}` : undefined);
    return text === undefined ? null : attempt(key, () => parseExpression(text, topic.names));
  };
  const deviceId = expression('device_id');
  if (deviceId === null) {
    throw new Error(`route ${route.name}: device_id is missing, and the topic has no level {device_id}`);
  }
  const value = expression('value');
  const timestamp = expression('timestamp');
  const each = route.each === undefined ? null : attempt('each', () => parsePath(route.each ?? ''));
  return {
    route,
    topic,
    deviceId,
    metricName: expression('metric_name'),
    value,
    timestamp,
    each,
    reserved: reservedKeys(value, each, [deviceId, timestamp], route),
    selects: compileGlobs(route.include, route.exclude),
    words: compileWords(route),
    zone: attempt('time_zone', () => new TimeZone(route.time_zone)),
  };

  function attempt<T>(key: keyof RouteConfig, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`route ${route.name}: ${key} ${reason}`, { cause: error });
    }
  }
}

/** The names, within the object that holds the metrics, of what the route reads otherwise. */
function reservedKeys(
  value: Expression | null,
  each: PathExpression | null,
  others: readonly (Expression | null)[],
  route: RouteConfig,
): Set<string> {
  const reserved = new Set<string>();
  if (route.timestamp === undefined && value === null) {
    reserved.add('timestamp');
  }
  const base = value?.kind === 'path' ? value : ({ root: 'item', steps: [] } as const);
  for (const other of others) {
    const sameRoot = other?.kind === 'path' && (each === null || other.root === base.root);
    if (sameRoot && base.steps.every((step, index) => step === other.steps[index])) {
      const rest = other.steps.slice(base.steps.length);
      if (rest.length === 1 || route.flatten) {
        reserved.add(rest.join('.'));
      }
    }
  }
  return reserved;
}
