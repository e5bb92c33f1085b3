/** A route for messages that none takes: likely ones are tried on the messages themselves. */

import { type RouteConfig, routeDefaults } from '../config/route.ts';
import { createDecoder } from './decoder.ts';
import {
  devicesOf,
  isList,
  isObject,
  isScalar,
  metricsOf,
  placesOf,
  timesOf,
  valuesOf,
} from './document-places.ts';
import type { ExplainedPoint } from './explanation.ts';
import { autoFormat } from './formats/auto.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { PointEmitter } from './point-emitter.ts';
import { planRoute } from './route-plan.ts';
import { Router } from './router.ts';
import { topicShapes } from './topic-shape.ts';

export interface Sample {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Microseconds since 1970. */
  readonly receivedAt: number;
}

/** The keys of a route that are not at their defaults. */
export type RouteKeys = Partial<RouteConfig> & Pick<RouteConfig, 'topic'>;

export interface Trial {
  readonly points: readonly ExplainedPoint[];
  readonly rejections: number;
  /** Samples that gave a point, or none and no rejection. */
  readonly fits: number;
}

/** Null where none of the likely routes makes a point of each sample. The topics have the same number of levels. */
export function suggestRoute(samples: readonly Sample[], limits: DecodeLimits): RouteKeys | null {
  const first = samples[0];
  if (first === undefined) return null;
  const document = readDocument(first.payload, limits);
  const topics = topicShapes(
    samples.map(({ topic }) => topic),
    isScalar(document),
  );
  for (const topic of topics) {
    for (const payload of payloadShapes(document)) {
      const keys = { ...topic, ...payload };
      const { points, rejections } = tryRoute(keys, samples, limits);
      if (points.length > 0 && rejections === 0) return keys;
    }
  }
  return null;
}

/** What the samples would become. */
export function tryRoute(keys: RouteKeys, samples: readonly Sample[], limits: DecodeLimits): Trial {
  const points: ExplainedPoint[] = [];
  let [rejections, fits] = [0, 0];
  try {
    const decoder = createDecoder([{ ...routeDefaults(), name: keys.topic, ...keys }], limits);
    for (const { topic, payload, receivedAt } of samples) {
      const explanation = decoder.explain(topic, payload, receivedAt);
      points.push(...explanation.points);
      rejections += explanation.rejections.length;
      if (explanation.rejections.length === 0) fits++;
    }
  } catch {
    // A name of a level or a path that no route can have.
    rejections = Number.POSITIVE_INFINITY;
  }
  return { points, rejections, fits };
}

const ANYTHING = planRoute({ ...routeDefaults(), name: 'any', topic: '#', device_id: 'any' });

/** As the format `auto` reads it; undefined where it cannot. */
export function readDocument(payload: Uint8Array, limits: DecodeLimits): unknown {
  const match = new Router([ANYTHING], limits.nameLength).match('any');
  if (match === null || payload.length > limits.messageBytes) return undefined;
  const points = new PointEmitter(limits);
  points.begin(match, null);
  return autoFormat.parse(payload, points, match);
}

/** How routes could read such a document, the plainest first. */
function* payloadShapes(document: unknown): Generator<Partial<RouteConfig>> {
  if (isScalar(document)) {
    yield {};
    return;
  }
  const places = placesOf(document, '$');
  const device = devicesOf(places).map(({ path }) => ({ device_id: path }));
  const times = [...timesOf(places).map(({ path }) => ({ timestamp: path })), {}];
  for (const shape of documentShapes(document)) {
    for (const time of 'timestamp' in shape ? [{}] : times) {
      const plain = { ...shape, ...time };
      // The payload knows its device better than a topic that all devices share.
      for (const id of device.slice(0, 1)) yield { ...plain, ...id };
      yield plain;
    }
  }
}

function* documentShapes(document: unknown): Generator<Partial<RouteConfig>> {
  const lists = [{ path: '$', key: '', value: document }, ...placesOf(document, '$')].filter(({ value }) =>
    isList(value),
  );
  for (const { path, value } of lists) yield* itemShapes(path, (value as readonly unknown[])[0]);
  if (!isObject(document)) return;
  yield { flatten: !Object.values(document).every((value) => !isObject(value)) };
  for (const { path, value } of placesOf(document, '$')) {
    if (isObject(value)) yield { value: path, flatten: Object.values(value).some(isObject) };
  }
  // What is left out are arrays.
  yield { flatten: true, on_nested: 'skip' };
}

/** Of one item: a metric and its value by name, or an object of metrics. */
function* itemShapes(path: string, item: unknown): Generator<Partial<RouteConfig>> {
  const places = placesOf(item, '@');
  const each = path === '$' ? {} : { each: path };
  const time = timesOf(places)[0];
  const timestamp = time === undefined ? {} : { timestamp: time.path };
  for (const metric of metricsOf(places)) {
    const value = valuesOf(places).find(({ path }) => path !== metric.path);
    if (value === undefined) continue;
    yield { each: path, metric_name: metric.path, value: value.path, ...timestamp };
  }
  yield { ...each, ...timestamp, flatten: places.some(({ value }) => isObject(value)) };
}
