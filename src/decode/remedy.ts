/** The nearest change that would store what is a dead letter now: likely ones are tried on the message itself. */

import type { RouteConfig } from '../config/route.ts';
import type { DeadLetterCode } from '../errors.ts';
import {
  devicesOf,
  isList,
  isObject,
  isScalar,
  metricsOf,
  type Place,
  placesOf,
  timesOf,
} from './document-places.ts';
import type { Explanation } from './explanation.ts';
import { isGzip } from './formats/gzip.ts';
import { FORMAT_NAMES } from './formats/table.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { PlaceKeys, Recogniser } from './recognition.ts';
import { readDocument, type RouteKeys, type Sample, suggestRoute, tryRoute } from './route-suggestion.ts';

export type Remedy =
  /** Keys for the route that took the message. */
  | { readonly kind: 'change'; readonly route: string; readonly keys: Partial<RouteConfig> }
  /** A route for a message that none takes; that of a preset where one knows it. */
  | { readonly kind: 'route'; readonly keys: RouteKeys | PresetKeys }
  /** A key of the configuration and a value that would do. */
  | { readonly kind: 'setting'; readonly name: string; readonly value: string };

interface PresetKeys extends PlaceKeys {
  readonly preset: string;
}

/** Null where no key of a route or limit would help. `explanation` is of the message by the routes. */
export function findRemedy(
  routes: readonly RouteConfig[],
  limits: DecodeLimits,
  message: Sample,
  explanation: Explanation,
  recogniser: () => Recogniser,
): Remedy | null {
  const code = explanation.dead_letter?.code;
  if (code === undefined) return null;
  const route = routes.find(({ name }) => name === explanation.route);
  if (route === undefined) {
    const known = recogniser().recognise(message);
    const keys =
      known === null || known.preset === null || known.explanation.points.length === 0
        ? suggestRoute([message], limits)
        : { preset: known.preset.name, ...known.keys };
    return keys && { kind: 'route', keys };
  }
  if (code === 'too_many_points' || code === 'too_many_names') return roomFor(route, limits, message, code);
  const keys = nearestChange(route, limits, message, explanation, code);
  return keys === null ? settingFor(code, message, explanation) : { kind: 'change', route: route.name, keys };
}

/** The first change that leaves nothing to reject, else the one that leaves least and stores more. */
function nearestChange(
  route: RouteConfig,
  limits: DecodeLimits,
  message: Sample,
  { points, rejections }: Explanation,
  code: DeadLetterCode,
): Partial<RouteConfig> | null {
  let best: Partial<RouteConfig> | null = null;
  let [least, most] = [rejections.length, points.length];
  for (const keys of changes(route, readDocument(message.payload, limits), code, rejections)) {
    const trial = tryRoute({ ...route, ...keys }, [message], limits);
    const wrong = trial.points.some(({ timestamp }) => !isPlausible(timestamp, message.receivedAt));
    if (wrong || trial.points.length === 0) continue;
    if (trial.rejections === 0 && trial.points.length >= points.length) return keys;
    if (trial.rejections < least && trial.points.length >= most) {
      best = keys;
      least = trial.rejections;
      most = trial.points.length;
    }
  }
  return best;
}

const DAY = 86_400_000;

/** A change of the unit must not put a point into another century. */
function isPlausible(timestamp: string, receivedAt: number): boolean {
  const time = Date.parse(timestamp);
  return time > Date.UTC(2000) && time < receivedAt / 1_000 + DAY;
}

type Keys = Partial<RouteConfig>;
type Changes = (places: readonly Place[], route: RouteConfig, document: unknown) => Iterable<Keys>;

const units: Changes = (places) => [
  ...(['s', 'ms', 'us', 'ns'] as const).map((unit): Keys => ({ time_unit: unit })),
  ...timesOf(places).map(({ path }): Keys => ({ timestamp: path })),
];
/** As one value anything can be read: broken JSON, which no format reads, would be stored as a text, and all else of the route too. */
const formats: Changes = (_places, _route, document) =>
  FORMAT_NAMES.filter((format) => format !== 'value' || document !== undefined).map((format) => ({ format }));

/** What is tried first for a reason. */
const LIKELY: Partial<Record<DeadLetterCode, Changes>> = {
  timestamp_out_of_range: units,
  timestamp_in_future: units,
  timestamp_too_old: units,
  timestamp_invalid: units,
  device_id_missing: (places) => devicesOf(places).map(({ path }) => ({ device_id: path })),
  value_missing: (places, route) =>
    valuePlaces(places, route)
      .filter(({ value }) => isScalar(value))
      .map(({ path }) => ({ value: path })),
  metric_name_missing: (_, route, document) => namedMetrics(route, document),
  payload_not_json: formats,
  payload_not_utf8: formats,
};

/** None beside an `each`: what is elsewhere in the message would be said of every item. */
function valuePlaces(places: readonly Place[], { each }: RouteConfig): readonly Place[] {
  return each === undefined ? places : [];
}

function* changes(
  route: RouteConfig,
  document: unknown,
  code: DeadLetterCode,
  rejections: Explanation['rejections'],
): Generator<Keys> {
  yield* LIKELY[code]?.(placesOf(document, '$'), route, document) ?? [];
  yield* shapes(route, document);
  yield* exclusions(route, rejections);
}

function* namedMetrics(route: RouteConfig, document: unknown): Generator<Keys> {
  const levels = route.topic.split('/');
  const unnamed = levels.lastIndexOf('+');
  if (unnamed !== -1) yield { topic: levels.with(unnamed, '{metric_name}').join('/') };
  const names = levels.flatMap((level) => /^\{(\w+)#?\}$/.exec(level)?.[1] ?? []);
  const free = names.filter((name) => name !== 'device_id');
  if (free.length > 0) yield { metric_name: free.map((name) => `{${name}}`).join('/') };
  if (isScalar(document)) yield { metric_name: 'value' };
}

/** Other ways to read the document. */
function* shapes(route: RouteConfig, document: unknown): Generator<Keys> {
  const places = placesOf(document, '$');
  const nested = [{ path: '$', value: document }, ...places];
  if (route.flatten === false) yield { flatten: true };
  for (const { path, value } of nested) {
    if (!isList(value)) continue;
    const items = placesOf(value[0], '@');
    for (const metric of metricsOf(items)) {
      for (const { path: reading } of items.filter((item) => isScalar(item.value) && item !== metric)) {
        yield { each: path, metric_name: metric.path, value: reading };
      }
    }
    yield { each: path };
    yield { each: path, flatten: true };
  }
  for (const { path, value } of valuePlaces(places, route)) if (isObject(value)) yield { value: path };
  if (route.flatten !== 'arrays') yield { flatten: 'arrays' };
  if (route.format !== 'auto') yield { format: 'auto' };
}

/** Leaves out what cannot be stored, as a last resort. */
function* exclusions(route: RouteConfig, rejections: Explanation['rejections']): Generator<Keys> {
  const names = rejections.flatMap(({ detail }) => /^\$\.([^:[\]]+):/.exec(detail)?.[1] ?? []);
  if (names.length === 0) return;
  const exclude = [...route.exclude, ...new Set(names)];
  yield { exclude };
  if (!route.flatten) yield { flatten: true, exclude };
}

/** What `ingest.limits.nesting` may be at most. */
const MOST_LEVELS = 1000;
/** What the limits of points and names may be at most. */
const MOST_PARTS = 10_000_000;

/** Limits that a message passes, and what they would have to be; `amount` is the first number of the detail. */
const LIMITS: Partial<
  Record<DeadLetterCode, (payload: Uint8Array, amount: string) => [string, string] | null>
> = {
  // Of one that is too large only when unpacked nobody knows how large it is.
  payload_too_large: (payload) =>
    isGzip(payload) ? null : ['ingest.limits.message_bytes', `${Math.ceil(payload.length / 1_048_576)}MiB`],
  payload_too_deep: (payload) => {
    const levels = nestingOf(payload);
    return levels > MOST_LEVELS ? null : ['ingest.limits.nesting', String(levels)];
  },
  text_too_long: (_, amount) => ['ingest.limits.text_length', amount],
};

function settingFor(code: DeadLetterCode, message: Sample, { dead_letter }: Explanation): Remedy | null {
  const amount = /(\d+) characters/.exec(dead_letter?.detail ?? '')?.[1] ?? '';
  const [name, value] = LIMITS[code]?.(message.payload, amount) ?? [];
  return name === undefined || value === undefined ? null : { kind: 'setting', name, value };
}

/** How many times a limit is doubled to look for one that would do. */
const DOUBLINGS = 8;

/** The least of some larger limits that takes the message; it may pass the other limit of the two as well. */
function roomFor(
  route: RouteConfig,
  limits: DecodeLimits,
  message: Sample,
  code: 'too_many_points' | 'too_many_names',
): Remedy | null {
  const [name, key] = (
    {
      too_many_points: ['ingest.limits.points_per_message', 'pointsPerMessage'],
      too_many_names: ['ingest.limits.names_per_message', 'namesPerMessage'],
    } as const
  )[code];
  const beside = { pointsPerMessage: MOST_PARTS, namesPerMessage: MOST_PARTS };
  for (let doubling = 1; doubling <= DOUBLINGS; doubling++) {
    const value = limits[key] * 2 ** doubling;
    const { points } = tryRoute(route, [message], { ...limits, ...beside, [key]: value });
    if (points.length > 0) return { kind: 'setting', name, value: String(value) };
  }
  return null;
}

/** Levels of arrays and objects of a JSON text. */
function nestingOf(payload: Uint8Array): number {
  let [depth, deepest] = [0, 0];
  let quoted = false;
  for (let index = 0; index < payload.length; index++) {
    const character = String.fromCharCode(payload[index] ?? 0);
    if (quoted && character === '\\') index++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '{' || character === '[')) deepest = Math.max(deepest, ++depth);
    else if (!quoted && (character === '}' || character === ']')) depth--;
  }
  return deepest;
}
