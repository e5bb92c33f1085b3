import { isList, isObject } from './json-value.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { RoutePlan } from './route-plan.ts';

/** Emits an object of metrics, and what lies within it where the route flattens. */
export function emitMembers(container: object, prefix: string, plan: RoutePlan, points: PointEmitter): void {
  const { flatten, separator } = plan.route;
  const grows = plan.growth !== 1;
  for (const key of Object.keys(container)) {
    if (grows) points.visit();
    const name = prefix + key;
    const value = (container as Record<string, unknown>)[key];
    if (plan.reserved.has(name)) {
      continue;
    }
    if (isNested(value, flatten)) {
      emitMembers(value, name + separator, plan, points);
    } else {
      points.brings(name);
      points.point(name, value, name);
    }
  }
}

/** Whether the route takes a value apart. */
export function isNested(value: unknown, flatten: RoutePlan['route']['flatten']): value is object {
  return flatten !== false && (isObject(value) || (flatten === 'arrays' && isList(value)));
}
