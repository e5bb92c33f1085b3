import type { DropReport } from '../letters/dead-letters.ts';
import { payloadText } from '../decode/payload-text.ts';
import { DEAD_LETTERS } from '../errors.ts';
import type { LetterGroup, LetterHead } from '../postgres/dead-letter-reading.ts';
import type { ReplayReport } from '../letters/replay.ts';
import { byteSize } from './byte-size.ts';
import { count } from './counted.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** So much of a payload is shown. */
export const SHOWN_BYTES = 4_096;
const HEX_COLUMNS = 16;

export function describeGroups(groups: readonly LetterGroup[]): string {
  return table(
    ['reason', 'route', 'letters', 'points', 'size', 'oldest', 'newest', 'most from', 'example'],
    groups.map(({ code, route, letters, points, bytes, oldest, newest, topic, example }) => [
      code,
      route,
      String(letters),
      String(points),
      byteSize(bytes),
      seconds(oldest),
      seconds(newest),
      topic,
      `${example.dead_letter_id}: ${example.detail}`,
    ]),
  );
}

export function describeLetters(letters: readonly LetterHead[]): string {
  return table(
    ['id', 'received', 'topic', 'reason', 'route', 'points', 'size', 'detail'],
    letters.map(({ dead_letter_id: id, received_at: at, topic, code, route, points, bytes, detail }) => [
      String(id),
      seconds(at),
      topic,
      code,
      route,
      String(points),
      byteSize(bytes),
      detail,
    ]),
  );
}

/** `payload`: at most its first SHOWN_BYTES. */
export function describeLetter(head: LetterHead, payload: Buffer): string {
  const entry = Object.entries(DEAD_LETTERS).find(([code]) => code === head.code)?.[1];
  const stored = head.stored === null ? 'not counted' : String(head.stored);
  const rest = head.bytes - payload.length;
  return [
    `id        ${head.dead_letter_id}`,
    `received  ${head.received_at} by ${printable(head.client_id)}`,
    `topic     ${printable(head.topic)} (QoS ${head.qos}${head.retained ? ', retained' : ''})`,
    `route     ${printable(head.route ?? 'none')}`,
    `reason    ${head.code}: ${printable(head.detail)}`,
    ...(entry === undefined ? [] : [`          ${entry.means} ${entry.mend}`]),
    `points    ${head.points} lost, ${stored} stored`,
    `payload   ${head.bytes} bytes`,
    ...payloadLines(payload),
    ...(rest > 0 ? [`... and ${rest} bytes more: --raw writes all`] : []),
  ].join('\n');
}

/** As text where it is one, else in hex. */
function payloadLines(payload: Buffer): string[] {
  if (payload.length === 0) return [];
  const text = payloadText(payload);
  if (text !== null) return text.split(/\r?\n/).map(printable);
  return Array.from({ length: Math.ceil(payload.length / HEX_COLUMNS) }, (_, line) => {
    const from = line * HEX_COLUMNS;
    const bytes = [...payload.subarray(from, from + HEX_COLUMNS)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const characters = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    return `${from.toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_COLUMNS * 3)} ${characters.join('')}`;
  });
}

export function describeReplay(report: ReplayReport): string {
  const { dry_run: dry, replayed, failed, taken, points, reasons, sample, complete } = report;
  const n = (number: number): string => number.toLocaleString('en-US');
  const indented = (number: number): string => n(number).padStart(15);
  const lines = [
    `${dry ? 'Would replay' : 'Replayed'} ${n(replayed)} of ${count(replayed + failed + taken, 'dead letter')}:`,
    ...(
      [
        [points.stored, 'point', dry ? ', if not there already' : ' stored'],
        [points.duplicate, 'point', ' there already'],
        [points.conflict, 'point', ' there with another value, which stays'],
        [points.dropped, 'point', ' dropped, as the configuration says'],
        [failed, 'letter', dry ? ' would fail again' : ' failed again'],
        [taken, 'letter', ' left to another replay, or gone meanwhile'],
      ] as const
    )
      .filter(([number]) => number > 0)
      .map(([number, what, rest]) => `${indented(number)} ${what}${number === 1 ? '' : 's'}${rest}`),
    ...Object.entries(reasons).map(([code, number]) => `${indented(number)} of them ${code}`),
  ];
  for (const { timestamp, device_id: device, metric_name: metric, value } of sample) {
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
    lines.push(`point       ${timestamp}  ${printable(device)}  ${printable(metric)}  ${printable(text)}`);
  }
  if (points.stored > sample.length && sample.length > 0) lines.push('            and so on');
  if (!complete) lines.push('It was stopped before the end: do it again for those that are left.');
  return lines.join('\n');
}

export function describeDrop({ dry_run: dry, dropped }: DropReport): string {
  return `${dry ? 'Would drop' : 'Dropped'} ${count(dropped, 'dead letter')}.`;
}

/** Without what people do not read. */
function seconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
