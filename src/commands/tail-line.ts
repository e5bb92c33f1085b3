/** How `tail` prints a message: a line for each point and for each reason of a dead letter. */

import type { ExplainedPoint, Explanation } from '../decode/explanation.ts';
import { printable } from './printable.ts';

const RED = '\u001B[31m';
const PLAIN = '\u001B[39m';

/** For people. `receivedAt` is in microseconds since 1970; times are local. */
export function tailLines(
  topic: string,
  explanation: Explanation,
  receivedAt: number,
  color: boolean,
): string[] {
  const { points, rejections } = explanation;
  const lines = points.map((point) =>
    [
      localTime(point.timestamp),
      printable(point.device_id),
      printable(point.metric_name),
      valueText(point),
    ].join('  '),
  );
  for (const { code, detail } of rejections) {
    const reason = `${code}: ${printable(detail)}`;
    const time = localTime(new Date(receivedAt / 1_000).toISOString());
    lines.push([time, printable(topic), color ? `${RED}${reason}${PLAIN}` : reason].join('  '));
  }
  return lines;
}

/** As NDJSON, with the times in UTC. */
export function tailJson(topic: string, explanation: Explanation): string[] {
  const { route, points, rejections } = explanation;
  return [
    ...points.map(({ device_id, metric_name, value, timestamp }) =>
      JSON.stringify({ topic, route, device_id, metric_name, value, timestamp }),
    ),
    ...rejections.map((rejection) => JSON.stringify({ topic, route, dead_letter: rejection })),
  ];
}

/** `2026-01-31T12:00:00.123456Z` as the local `2026-01-31 13:00:00.123456`; three digits are taken for six. */
export function localTime(iso: string): string {
  const fraction = (/\.(\d+)Z$/.exec(iso)?.[1] ?? '').padEnd(6, '0');
  const time = new Date(iso);
  const two = (number: number): string => String(number).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${fraction}`;
}

function valueText({ kind, value }: ExplainedPoint): string {
  return kind === 'text' ? printable(JSON.stringify(value)) : String(value);
}
