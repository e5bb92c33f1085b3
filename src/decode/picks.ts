/** Metrics that a route picks by a path each: `values`, and a `value` with wildcards. */

import { ANY, type PathExpression } from '../config/expression.ts';
import { emitColumn, readTimes } from './columns.ts';
import { evaluate, evaluateText, type Scope, walk } from './expression.ts';
import { emitMembers, isNested } from './members.ts';
import { excerpt } from './place.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { Pick, RoutePlan } from './route-plan.ts';

/** Emits what is there of them; where they are all that the route takes and none is, that is told. */
export function emitPicks(
  picks: readonly Pick[],
  time: unknown,
  plan: RoutePlan,
  points: PointEmitter,
): void {
  const { scope } = points;
  const times = Array.isArray(time) ? { sent: time as unknown[], micros: readTimes(time, points) } : null;
  let found = false;
  if (times === null) {
    points.setTime(time);
  }
  for (const { name, path, value } of picks) {
    points.within(value.text);
    const emit = (picked: unknown) => {
      if (picked === undefined) return;
      points.visit();
      found = true;
      emitPicked(evaluateText(name, scope), picked, times, plan, points);
    };
    if (path === null) {
      emit(evaluate(value, scope));
    } else {
      walk(path, scope, emit);
    }
  }
  points.within('@');
  if (!found && plan.picksOnly) {
    points.reject('value_missing', 'nothing is where the values of the route are', null);
  }
}

function emitPicked(
  name: string | undefined,
  value: unknown,
  times: { readonly sent: readonly unknown[]; readonly micros: Float64Array } | null,
  plan: RoutePlan,
  points: PointEmitter,
): void {
  if (name === undefined) {
    points.reject('metric_name_missing', 'what names the metric is missing', null);
    return;
  }
  points.brings(name);
  if (times !== null && Array.isArray(value)) {
    emitColumn(name, value, null, times.sent, times.micros, points);
  } else if (times !== null && value !== null && points.selects(name)) {
    points.reject('value_unsupported', `${excerpt(value)} where the timestamp is an array`, null);
  } else if (isNested(value, plan.route.flatten)) {
    emitMembers(value, name + plan.route.separator, plan, points);
  } else {
    points.point(name, value, null);
  }
}

/** An object of metrics of all that a path with wildcards leads to, named by its steps from the first wildcard on. */
export function gather(path: PathExpression, scope: Scope, separator: string): unknown {
  const steps = path.steps.slice(path.steps.indexOf(ANY));
  const metrics = new Map<string, unknown>();
  const outer = scope.keys.length;
  const led = walk(path, scope, (value) => {
    let wildcard = outer;
    const name = steps.map((step) => String(step === ANY ? scope.keys[wildcard++] : step)).join(separator);
    metrics.set(name, value);
  });
  return led ? Object.fromEntries(metrics) : undefined;
}
