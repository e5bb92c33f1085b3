/** How `init` prints what it heard. */

import type { Found, SurveyReport, Unknown } from '../decode/survey.ts';
import { describePoint } from './explain-report.ts';
import { count } from './counted.ts';
import { exampleOf } from './init-config.ts';
import { printable } from './printable.ts';
import { routeYaml } from './route-yaml.ts';

export function describeSurvey({ messages, found, unknown, ignored, beyond }: SurveyReport): string {
  if (messages === 0) return 'Nothing was heard: is it the right broker, and do devices publish there?';
  return [
    `Heard ${count(messages, 'message')}.`,
    ...found.flatMap(describeFound),
    ...(unknown.length === 0 ? [] : ['', 'Not recognised:', ...unknown.flatMap(describeUnknown)]),
    ...(ignored === 0 ? [] : ['', `Left alone, as they carry no values: ${count(ignored, 'message')}.`]),
    ...(beyond === 0 ? [] : ['', `Not looked at, of further topics: ${count(beyond, 'message')}.`]),
  ].join('\n');
}

function describeFound({ preset, keys, messages, topics, points }: Found): string[] {
  const name = preset === null ? "Tidegate's own topics" : `${preset.title}, preset ${preset.name}`;
  const place = keys.base ?? keys.topic;
  const where = place === undefined ? '' : ` at ${printable(place)}`;
  let topic = '';
  return [
    '',
    `${name}${where}: ${count(messages, 'message')} of ${count(topics, 'topic')}`,
    ...points.flatMap((point) => {
      const head = point.topic === topic ? [] : [`  ${printable(point.topic)}`];
      topic = point.topic;
      return [...head, `    -> ${describePoint(point)}`];
    }),
  ];
}

function describeUnknown(unknown: Unknown): string[] {
  const { messages, topics, route } = unknown;
  return [
    `  ${exampleOf(unknown)}  (${count(messages, 'message')} of ${count(topics, 'topic')})`,
    route === null ? '    no route that would take it' : `    a route: ${printable(routeYaml(route))}`,
  ];
}
