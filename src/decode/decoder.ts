import { isDeepStrictEqual } from 'node:util';
import type { RouteConfig } from '../config/route.ts';
import type { Decoder, PointWriter } from '../pipeline/types.ts';
import type { DecodeLimits } from './decode-limits.ts';
import { type Explanation, explain, type TimeRefusal } from './explanation.ts';
import type { Emitting, Format } from './formats/format.ts';
import { unpacked } from './formats/gzip.ts';
import { Recognised } from './formats/recognised.ts';
import { FORMATS } from './formats/table.ts';
import { excerpt, rejectionDetail } from './place.ts';
import { PointEmitter } from './point-emitter.ts';
import { unpackEmbedded } from './embedded.ts';
import { planRoute, type RoutePlan } from './route-plan.ts';
import { Router, type TopicMatch } from './router.ts';
import type { EdgeNodes } from './sparkplug/edge-nodes.ts';
import { StagedPoints } from './staged-points.ts';
import { newTrace } from './trace.ts';
import { TimedOnly } from './timed-only.ts';

export type { DecodeLimits } from './decode-limits.ts';

export interface RouteDecoder extends Decoder {
  /** Whether a route takes the topic, be it to ignore its messages. */
  takes(topic: string): boolean;
  planOf(route: RouteConfig): RoutePlan | undefined;
  /** The topic filter of each route; they may overlap. */
  filters(): { readonly filter: string; readonly qos: 0 | 1 }[];
  /**
   * For people: what `decode` makes of a message and why. `receivedAt` is in microseconds since 1970; `refusal` says
   * which times the pipeline would not take.
   */
  explain(
    topic: string,
    payload: Uint8Array,
    receivedAt: number,
    refusal?: TimeRefusal,
    past?: boolean,
  ): Explanation;
}

/**
 * Decodes by the first route that takes a topic. `edges`: what is known of Sparkplug edge nodes; default: nothing yet.
 * `earlier`: the one that it takes the place of. Throws an Error for a route that cannot be understood.
 */
export function createDecoder(
  routes: readonly RouteConfig[],
  limits: DecodeLimits,
  edges?: EdgeNodes,
  earlier?: RouteDecoder,
): RouteDecoder {
  // A route that stays as it is keeps what it remembers of its messages.
  const plans = routes.map((route) => earlier?.planOf(route) ?? planRoute(route));
  const router = new Router(plans, limits.nameLength);
  const points = new PointEmitter(limits, edges);
  const decoding = (past: boolean): Decoder => ({
    decode(topic, payload, out, backlog = false, receivedAt = Number.NaN): string | null {
      const match = router.match(topic);
      if (match === null) {
        out.reject('no_route', rejectionDetail(`topic ${excerpt(topic)}`));
        return null;
      }
      points.topic = topic;
      points.receivedAt = receivedAt;
      points.past = past;
      return match.ignored
        ? match.plan.route.name
        : decodeMatched(match, topic, payload, receivedAt, points, out, backlog);
    },
  });
  const [decoder, again] = [decoding(false), decoding(true)];
  return {
    ...decoder,
    past: again,
    takes: (topic) => router.match(topic) !== null,
    planOf: (route) => plans.find((plan) => isDeepStrictEqual(plan.route, route)),
    filters: () => plans.map((plan) => ({ filter: plan.topic.filter, qos: plan.route.qos })),
    explain: (topic, payload, receivedAt, refusal = () => null, past = false) => {
      const trace = newTrace();
      points.trace = trace;
      try {
        return explain(past ? again : decoder, plans, topic, payload, receivedAt, refusal, trace);
      } finally {
        points.trace = null;
      }
    },
  };
}

/** The name of the route that took the message, or of the first that might have. */
function decodeMatched(
  match: TopicMatch,
  topic: string,
  payload: Uint8Array,
  receivedAt: number,
  points: PointEmitter,
  out: PointWriter,
  backlog: boolean,
): string {
  const { limits } = points;
  const { name, format: formatName, on_backlog: onBacklog } = match.plan.route;
  const timedOnly = backlog && onBacklog !== 'store';
  const writer = timedOnly ? new TimedOnly(out, onBacklog) : out;
  // Times that count from the arrival say no more than the arrival does.
  points.arrival = timedOnly ? Number.NaN : receivedAt;
  points.infinities = false;
  points.room.clear();
  points.begin(match, writer);
  if (payload.length > limits.messageBytes) {
    points.reject('payload_too_large', `${payload.length} bytes`, null);
  } else if (payload.length === 0) {
    if (match.plan.route.on_empty === 'dead_letter') points.reject('payload_empty', 'no bytes', null);
  } else if (match.invalid !== null && match.plan.conditions === null) {
    points.reject('name_invalid', match.invalid, null);
  } else {
    points.bytes = 0;
    const bytes = unpacked(payload, points);
    const asRoute: Format = FORMATS[formatName];
    const read = bytes === undefined ? undefined : readBy(asRoute, bytes, points, match);
    if (bytes === undefined || read === undefined) {
      return name;
    }
    const [format, parsed] = read instanceof Recognised ? [read.format, read.document] : [asRoute, read];
    if (match.plan.conditions !== null && !points.holds(match.plan, parsed)) {
      return match.next === null
        ? name
        : decodeMatched(match.next, topic, payload, receivedAt, points, out, backlog);
    }
    const { embedded, transform } = match.plan;
    const whole = embedded === null ? parsed : unpackEmbedded(parsed, embedded, points, match);
    const document =
      transform === null || whole === undefined ? whole : transformed(whole, transform, points);
    if (document === undefined) {
      return name;
    }
    if (match.invalid !== null) {
      points.reject('name_invalid', match.invalid, null);
    } else if (match.plan.repeats?.knows(topic, payload, receivedAt) === true) {
      writer.drop('repeated');
    } else if (format.isCounted === true || isSmall(document, format, match, points)) {
      format.emit(document, match, points);
    } else {
      emitCounted(document, format, match, points, writer);
    }
  }
  return name;
}

/** What `emit` is given; undefined where the bytes are none of the format, which was rejected. */
function readBy(format: Format, bytes: Uint8Array, points: PointEmitter, match: TopicMatch): unknown {
  const members = match.plan.membersOnly ? format.parseMembers?.(bytes, points, match) : undefined;
  return members ?? format.parse(bytes, points, match);
}

/** Undefined where nothing comes of it, which was rejected. */
function transformed(
  document: unknown,
  transform: (document: unknown) => unknown,
  points: PointEmitter,
): unknown {
  try {
    const result = transform(document);
    if (result !== null && result !== undefined) {
      return result;
    }
    points.reject('value_missing', 'the transform leads to nothing', null);
  } catch (error) {
    points.reject('transform_failed', (error as Error).message, null);
  }
  return undefined;
}

/** A point brings those of its device and of its metric. */
const NAMES_PER_POINT = 2;
/** At least, with what is named, unless it is the place in an array that names it. */
const BYTES_PER_NAME = 3;

/** Whether a message has so few bytes, or so few parts, that it cannot have more points or names than the limits allow. */
function isSmall(document: unknown, format: Emitting, match: TopicMatch, points: PointEmitter): boolean {
  const { pointsPerMessage, namesPerMessage } = points.limits;
  const { growth, each, route } = match.plan;
  const few = Math.min(pointsPerMessage, namesPerMessage / NAMES_PER_POINT) / growth;
  const indexed = each !== null || route.flatten === 'arrays';
  const short = Math.min(pointsPerMessage, namesPerMessage * (indexed ? 1 : BYTES_PER_NAME)) / growth;
  return points.bytes <= short || (format.mostPoints?.(document, few) ?? Number.POSITIVE_INFINITY) <= few;
}

const staged = new StagedPoints();

/** A message beyond the limits is refused as a whole, not cut somewhere: what it brings waits until all is counted. */
function emitCounted(
  document: unknown,
  format: Emitting,
  match: TopicMatch,
  points: PointEmitter,
  out: PointWriter,
): void {
  const { trace } = points;
  staged.clear();
  points.trace = null;
  points.begin(match, staged);
  const excess = points.excessOf(() => format.emit(document, match, points));
  points.begin(match, out);
  points.trace = trace;
  if (excess !== null) points.reject(excess.code, excess.message, null);
  else if (trace === null) staged.moveTo(out);
  // Whoever explains it wants to see each value as it is written.
  else format.emit(document, match, points);
}
