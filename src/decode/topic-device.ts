import { isOfTopic } from '../config/expression.ts';
import type { RouteConfig } from '../config/route.ts';
import { resolveText } from './expression.ts';
import { planRoute } from './route-plan.ts';
import { matchTopic } from './topic-template.ts';

/** Which device a message of a route is of, as far as its topic tells; null where the payload says it. */
export type TopicDevice = (route: string, topic: string) => string | null;

export function topicDevices(routes: readonly RouteConfig[]): TopicDevice {
  const plans = new Map(routes.map((route) => [route.name, planRoute(route)]));
  return (route, topic) => {
    const plan = plans.get(route);
    if (plan === undefined || !isOfTopic(plan.deviceId)) return null;
    const captures = matchTopic(plan.topic, topic.split('/'));
    return captures === null ? null : resolveText(plan.deviceId, captures);
  };
}
