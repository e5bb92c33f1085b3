/** How `explain --against` prints what a changed configuration would store differently. */

import type { MessageChange } from '../decode/comparison.ts';
import { count } from './counted.ts';
import { describePoint } from './explain-report.ts';
import { printable } from './printable.ts';

/** Points of a message that are shown. */
const SHOWN_POINTS = 10;

export interface Totals {
  messages: number;
  same: number;
  stored: number;
  mended: number;
  broken: number;
  rest: number;
}

export function noTotals(): Totals {
  return { messages: 0, same: 0, stored: 0, mended: 0, broken: 0, rest: 0 };
}

const VERDICTS: Readonly<Record<MessageChange['verdict'], string>> = {
  mended: 'was a dead letter, is none',
  broken: 'becomes a dead letter',
  rest: 'stays a dead letter, with a change',
  stored: 'is stored differently',
};

/** `reason` of the dead letter that it is now. */
export function describeChange(topic: string, change: MessageChange, reason: string | null): string {
  return [
    `${printable(topic)}  ${VERDICTS[change.verdict]}${reason === null ? '' : `: ${printable(reason)}`}`,
    ...sided('-', change.gone),
    ...sided('+', change.added),
  ].join('\n');
}

function sided(sign: string, points: MessageChange['gone']): string[] {
  const lines = points.slice(0, SHOWN_POINTS).map((point) => `  ${sign} ${describePoint(point)}`);
  const rest = points.length - lines.length;
  return rest > 0 ? [...lines, `  ${sign} and ${rest} more`] : lines;
}

export function describeTotals({ messages, same, stored, mended, broken, rest }: Totals): string {
  const n = (number: number, what: string): string =>
    number === 0 ? '' : `${number.toLocaleString('en-US').padStart(12)} ${what}\n`;
  return (
    `${count(messages, 'message')}:\n` +
    n(same, 'become the same') +
    n(stored, 'are stored differently') +
    n(mended, 'were dead letters and are none') +
    n(broken, 'become dead letters') +
    n(rest, 'stay dead letters, with a change')
  ).trimEnd();
}
