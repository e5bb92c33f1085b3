/** What becomes of a message, for people who write routes: `tidegate explain`. */

import type { Decoder, DropReason, PointWriter } from '../pipeline/types.ts';
import type { ExplainedPoint, Explanation, Rejection } from './explained.ts';
import type { RoutePlan } from './route-plan.ts';
import { excerpt } from './place.ts';
import { isoOf } from '../iso-time.ts';
import { arrivalOf } from '../receipt-clock.ts';
import { matchesTopicPattern } from './topic-pattern.ts';
import { matchTopic, mismatch } from './topic-template.ts';
import { newTrace, type Trace } from './trace.ts';

export type { ExplainedPoint, Explanation, PassedRoute } from './explained.ts';

/** Why a point of that time (microseconds since 1970) would not be taken, or null. */
export type TimeRefusal = (timestamp: number) => Rejection | null;

/** `receivedAt` is in microseconds since 1970. */
export function explain(
  decoder: Decoder,
  plans: readonly RoutePlan[],
  topic: string,
  payload: Uint8Array,
  receivedAt: number,
  refusal: TimeRefusal,
  trace: Trace = newTrace(),
): Explanation {
  const points: ExplainedPoint[] = [];
  const rejections: Rejection[] = [];
  const drops: DropReason[] = [];
  const describeTime = (timestamp: number): Pick<ExplainedPoint, 'timestamp' | 'arrival'> =>
    Number.isNaN(timestamp)
      ? { timestamp: isoOf(arrivalOf(receivedAt)), arrival: true }
      : { timestamp: isoOf(timestamp) };
  /** Index of the point that was written just before; -1 where that was none. */
  let last = -1;
  const isRefused = (timestamp: number): boolean => {
    const refused = Number.isNaN(timestamp) ? null : refusal(timestamp);
    if (refused !== null) out.reject(refused.code, refused.detail);
    return refused !== null;
  };
  const out: PointWriter = {
    number(device_id, metric_name, timestamp, number, kind) {
      if (isRefused(timestamp)) return;
      const value = Number.isFinite(number) ? number : String(number);
      last =
        points.push({
          device_id,
          metric_name,
          value,
          ...describeTime(timestamp),
          kind,
          ...sentAs(trace, metric_name, number),
        }) - 1;
    },
    text(device_id, metric_name, timestamp, value, changesOnly) {
      if (isRefused(timestamp)) return;
      const only = changesOnly ? ({ changes_only: true } as const) : {};
      const point = {
        device_id,
        metric_name,
        value,
        ...describeTime(timestamp),
        kind: 'text',
        ...only,
        ...sentAs(trace, metric_name, value),
      } as const;
      last = points.push(point) - 1;
    },
    describe({ unit, tags, deviceName }) {
      const point = points[last];
      if (point === undefined) return;
      points[last] = {
        ...point,
        ...(unit !== undefined && { unit }),
        ...(tags !== undefined && { tags }),
        ...(deviceName !== undefined && { device_name: deviceName }),
      };
    },
    reject(code, detail) {
      rejections.push({ code, detail });
      last = -1;
    },
    drop(reason) {
      drops.push(reason);
      last = -1;
    },
  };
  const name = decoder.decode(topic, payload, out, false, receivedAt);
  const levels = topic.split('/');
  const taker = plans.find((plan) => plan.route.name === name && whyNot(plan, levels, trace) === null);
  const passed = plans
    .filter((plan) => plan !== taker)
    .map((plan) => ({
      route: plan.route.name,
      reason: whyNot(plan, levels, trace) ?? `would match, but ${taker?.route.name} comes first`,
      family: familyOf(plan),
      nearness:
        matchTopic(plan.topic, levels) === null
          ? mismatch(plan.topic, levels).fitting
          : Number.POSITIVE_INFINITY,
    }));
  return {
    route: taker?.route.name ?? null,
    points,
    dead_letter: rejections[0] ?? null,
    rejections,
    drops,
    units: trace.units,
    passed,
  };
}

/** Why a route does not take the message; null where it would. */
function whyNot(plan: RoutePlan, levels: readonly string[], trace: Trace): string | null {
  if (matchTopic(plan.topic, levels) === null) return mismatch(plan.topic, levels).reason;
  const pattern = plan.ignored.find((ignored) => matchesTopicPattern(ignored, levels));
  return pattern === undefined ? (trace.passed.get(plan) ?? null) : `ignores ${pattern.text}`;
}

function familyOf({ route: { name, topic } }: RoutePlan): string | null {
  const slash = name === topic ? -1 : name.lastIndexOf('/');
  return slash > 0 ? name.slice(0, slash) : null;
}

function sentAs({ sent }: Trace, metricName: string, value: number | string): { sent?: string } {
  if (sent === null || (sent.metricName === metricName && String(sent.value) === String(value))) return {};
  return { sent: `${sent.metricName} ${excerpt(sent.value)}` };
}
