/** Which levels of topics could be the device and the metric: for suggestions to people. */

import type { RouteConfig } from '../config/route.ts';

export type TopicKeys = Pick<RouteConfig, 'topic' | 'device_id' | 'metric_name'>;

/** Last levels that say what kind of message it is, and not of which device or metric. */
const KINDS =
  /^(state|status|stat|value|values|data|telemetry|tele|measurements?|readings?|sensors?|event|events|up|uplink|json|payload|info|attributes|get|out|report|reported)$/i;

/**
 * Routes' topics for topics of the same number of levels, the likeliest first. `scalar`: the payload is one value, so that
 * the topic names the metric. Empty for topics that no route can name.
 */
export function topicShapes(topics: readonly string[], scalar: boolean): TopicKeys[] {
  const split = topics.map((topic) => topic.split('/'));
  const first = split[0] ?? [];
  if (split.some((levels) => levels.some((level) => /[{}]/.test(level)))) return [];
  const varies = first.map((level, index) => split.some((levels) => levels[index] !== level));
  const last = first.length - 1;
  const kind = last > 0 && !varies[last] && KINDS.test(first[last] ?? '') ? last : -1;
  const end = kind === -1 ? last : last - 1;
  const shapes = [shape(first, varies, scalar ? end : -1, scalar ? end - 1 : end)];
  // `home/kitchen/temperature/state`: or the last level is the metric after all.
  if (scalar && kind !== -1) shapes.push(shape(first, varies, last, last - 1));
  return shapes;
}

/** `metric` and `device` are indexes of levels; -1: the payload says it. */
function shape(
  levels: readonly string[],
  varies: readonly boolean[],
  metric: number,
  device: number,
): TopicKeys {
  // The first level is rarely a device, and a route of nothing but names would take everybody's topics.
  const named = levels.map((_, index) => varies[index] === true || (index > 0 && index === device));
  const names = levels.map((_, index) => {
    if (index === metric) return levels.length === 1 ? null : 'metric_name';
    if (named[index] !== true) return null;
    return index === device ? 'device' : `level${index + 1}`;
  });
  const devices = names.filter((name) => name !== null && name !== 'metric_name');
  const alone = devices.length === 1;
  const topic = levels
    .map((level, index) => {
      const name = names[index];
      if (name === null || name === undefined) return level;
      return `{${alone && name === devices[0] ? 'device_id' : name}}`;
    })
    .join('/');
  return {
    topic,
    ...(alone
      ? {}
      : {
          device_id:
            devices.length === 0
              ? (levels[Math.max(device, 0)] ?? '')
              : devices.map((name) => `{${name}}`).join('/'),
        }),
    ...(metric !== -1 && names[metric] === null ? { metric_name: 'value' } : {}),
  };
}
