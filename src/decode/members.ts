import type { Members } from './formats/members.ts';
import { isList, isObject } from './json-value.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { RoutePlan } from './route-plan.ts';
import type { TopicMatch } from './router.ts';

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

/** The same of members in lists, for a route that wants nothing else: the device and the time with them. */
export function emitListed(members: Members, { plan, timestamp }: TopicMatch, points: PointEmitter): void {
  const { names, values, length } = members;
  const since = points.count;
  points.startItem();
  points.setTime(timestamp ?? members.valueOf('timestamp'));
  for (let index = 0; index < length; index++) {
    const name = names[index] as string;
    if (plan.reserved.has(name)) continue;
    points.brings(name);
    points.point(name, values[index], name);
  }
  points.settleItem(since);
}

/** Whether the route takes a value apart. */
export function isNested(value: unknown, flatten: RoutePlan['route']['flatten']): value is object {
  return flatten !== false && (isObject(value) || (flatten === 'arrays' && isList(value)));
}
