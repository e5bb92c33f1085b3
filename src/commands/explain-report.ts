/** How `explain` prints what becomes of a message. */

import type { ExplainedPoint, Explanation } from '../decode/explanation.ts';
import type { Remedy } from '../decode/remedy.ts';
import { DEAD_LETTERS } from '../errors.ts';
import { passedLines } from './passed-routes.ts';
import { printable } from './printable.ts';
import { routeYaml } from './route-yaml.ts';

/** `verbose`: each route that does not take it, instead of one line for those of one preset. */
export function describe(explanation: Explanation, remedy: Remedy | null, verbose = false): string {
  const { route, points, rejections, drops, units, passed } = explanation;
  const lines = [`route       ${printable(route ?? 'none')}`];
  for (const line of passedLines(passed, verbose)) lines.push(`            not ${printable(line)}`);
  for (const point of points) lines.push(`point       ${describePoint(point)}`);
  for (const { device_id: device, metric_name: metric, unit } of units)
    lines.push(`unit        ${printable(`${device}  ${metric}  ${unit}`)}  (with its next point)`);
  for (const { code, detail } of rejections) {
    lines.push(
      `dead letter ${code}: ${printable(detail)}`,
      `            ${DEAD_LETTERS[code].means} ${DEAD_LETTERS[code].mend}`,
    );
  }
  if (remedy !== null) lines.push(`try         ${printable(describeRemedy(remedy))}`);
  for (const reason of drops) lines.push(`dropped     ${reason}`);
  if (points.length + rejections.length + drops.length + units.length === 0) {
    const why = route === null ? 'the routes that match leave it out' : 'it has no value';
    lines.push(`no points   The message is ignored: ${why}.`);
  }
  return lines.join('\n');
}

export function describePoint(point: ExplainedPoint): string {
  const value = point.kind === 'text' ? JSON.stringify(point.value) : String(point.value);
  const unit = point.unit === undefined ? '' : ` ${point.unit}`;
  const notes = [
    point.kind,
    ...Object.entries(point.tags ?? {}).map(([key, tag]) => `${key}=${tag}`),
    ...(point.device_name === undefined ? [] : [`device ${JSON.stringify(point.device_name)}`]),
    ...(point.sent === undefined ? [] : [`sent as ${point.sent}`]),
    ...(point.arrival === true ? ['time of arrival'] : []),
    ...(point.changes_only === true ? ['stored when it changes'] : []),
  ];
  const { timestamp, device_id: device, metric_name: metric } = point;
  return printable(`${timestamp}  ${device}  ${metric}  ${value}${unit}  (${notes.join(', ')})`);
}

/** What to write, and where. */
function describeRemedy(remedy: Remedy): string {
  if (remedy.kind === 'setting') return `in the configuration: ${remedy.name}: ${remedy.value}`;
  const where = remedy.kind === 'change' ? `in the route ${remedy.route}` : 'a route';
  return `${where}: ${routeYaml(remedy.keys)}`;
}
