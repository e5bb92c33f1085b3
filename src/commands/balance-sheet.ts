import type { IngestStats } from '../pipeline/types.ts';

/** The balance sheet in two sums: what came in is what became of it. */
export function describeStats(stats: IngestStats): string[] {
  const { received, ...messages } = stats.messages;
  const { decoded, ...points } = stats.points;
  return [
    `messages  ${count(received)} received = ${sum(messages)}`,
    `points    ${count(decoded)} decoded = ${sum(points)}`,
    `since     ${stats.since}${stats.balanced ? '' : '; the sums do not add up, please report it'}`,
  ];
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function sum(outcomes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(outcomes).filter(([, number]) => number !== 0);
  return parts.length === 0
    ? '0'
    : parts.map(([name, number]) => `${count(number)} ${name.replaceAll('_', ' ')}`).join(' + ');
}
