/** What must hold within a route and among routes, beyond the type of each key. */

import type { Format } from '../decode/formats/format.ts';
import { FORMATS } from '../decode/formats/table.ts';
import { mappingMistakes } from './mapping.ts';
import type { Mistake } from './mistakes.ts';
import { type RouteConfig, routeDefaults } from './route.ts';
import { levelNames, topicFilter, topicMistake } from './topic.ts';

const DEFAULTS = routeDefaults();

/** Mistakes of the routes; those that already have some are undefined and left out. */
export function routeMistakes(routes: readonly (RouteConfig | undefined)[]): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, route] of routes.entries()) {
    if (route === undefined) {
      continue;
    }
    mistakes.push(...withinRoute(route, index));
    const before = routes.slice(0, index);
    const sameTopic = before.findIndex(
      (other) => other && takesAll(other) && topicFilter(other.topic) === topicFilter(route.topic),
    );
    if (sameTopic !== -1) {
      mistakes.push(
        twice(sameTopic, index, 'topic', 'take the same topics; only the first would get messages'),
      );
    }
    const sameName = before.findIndex((other) => other?.name === route.name);
    if (sameName !== -1 && sameName !== sameTopic) {
      mistakes.push(twice(sameName, index, 'name', `are both named ${JSON.stringify(route.name)}`));
    }
  }
  return mistakes;
}

/** Whether it leaves no message of its topic to a later route. */
function takesAll({ ignore, when, unless }: RouteConfig): boolean {
  return ignore.length === 0 && when === undefined && unless === undefined;
}

/** Routes whose messages must all come to one daemon. */
export function sharedRouteMistakes(
  routes: readonly (RouteConfig | undefined)[],
  shareGroup: string | null,
): Mistake[] {
  if (shareGroup === null) return [];
  return [...routes.entries()]
    .filter(([, route]) => route?.format === 'sparkplug_b')
    .map(([index]) => ({
      paths: [
        ['routes', index, 'format'],
        ['mqtt', 'share_group'],
      ],
      text: 'contradict each other: Sparkplug data is read by the birth before it, which another daemon of the group may get',
    }));
}

function twice(first: number, second: number, key: string, text: string): Mistake {
  return {
    paths: [
      ['routes', second, key],
      ['routes', first, key],
    ],
    text,
  };
}

function withinRoute(route: RouteConfig, index: number): Mistake[] {
  const mistakes: Mistake[] = [];
  const add = (key: string, text: string) => mistakes.push({ paths: [['routes', index, key]], text });
  const wrong = topicMistake(route.topic);
  if (wrong !== null) {
    add('topic', `is ${JSON.stringify(route.topic)}, which ${wrong}`);
    return mistakes;
  }
  const levels = levelNames(route.topic);
  for (const { path, text } of mappingMistakes(route, levels)) {
    mistakes.push({ paths: [['routes', index, ...path]], text });
  }
  const { device, unused }: Format = FORMATS[route.format];
  if (route.format === 'sparkplug_b') {
    if (!route.topic.startsWith(`spBv1.0/`)) {
      add(
        'topic',
        `is ${JSON.stringify(route.topic)}; format sparkplug_b needs one that begins with spBv1.0/`,
      );
    }
    if (route.metric_name !== undefined || levels.includes('metric_name')) {
      add('metric_name', 'contradicts format sparkplug_b, whose payloads name their metrics');
    }
  } else if (route.device_id === undefined && !levels.includes('device_id') && device === undefined) {
    add('device_id', 'is missing: the topic has no level {device_id}');
  }
  const named = route.metric_name !== undefined || levels.includes('metric_name');
  if (route.format === 'value' && !named && route.values === undefined) {
    add('metric_name', 'is missing: format value needs it, and the topic has no level {metric_name}');
  }
  for (const key of unused) {
    if (route[key] !== DEFAULTS[key]) {
      add(key, `is ${JSON.stringify(route[key])}, which says nothing to format ${route.format}`);
    }
  }
  if (route.metric_tags !== undefined && route.format !== 'line_protocol') {
    add('metric_tags', `is for format line_protocol, and the format is ${route.format}`);
  }
  const both = folded(route.booleans.true).filter((word) => folded(route.booleans.false).includes(word));
  if (both.length > 0) {
    add('booleans', `has ${both.join(', ')} as true and as false`);
  }
  return mistakes;
}

function folded(words: readonly string[]): string[] {
  return words.map((word) => word.toLowerCase());
}
