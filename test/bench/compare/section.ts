/** A profile's figures as Markdown, and where docs/benchmarks.md keeps them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { type Figure, figure, ratios } from '../figures.ts';
import { type Part, PARTS, type Run } from './side.ts';

export interface Result {
  readonly name: string;
  readonly runs: readonly Run[];
}

const PAGE = new URL('../../../docs/benchmarks.md', import.meta.url);
/** Of a core; with more the publisher itself may have been what took so long. */
const BUSY = 0.9;

/** Rates, and the first beside each of the others, round by round. */
export function rateTable(results: readonly Result[]): string[] {
  const [ours, ...others] = results as [Result, ...Result[]];
  const hasPoints = results.some(hasMany);
  const rows = results.map((result) => [
    result.name,
    hasPoints ? messageRate(result) : told(result.runs.map(pointRate)),
    ...(hasPoints ? [told(result.runs.map(pointRate))] : []),
    others.includes(result)
      ? `**${ratios(ours.runs.map(pointRate), result.runs.map(pointRate)).text('')}**`
      : '',
    String(result.runs.reduce((sum, { lost }) => sum + lost, 0)),
  ]);
  return table(['', 'messages/s', ...(hasPoints ? ['points/s'] : []), 'first row / this row', 'lost'], rows);
}

/** Microseconds of CPU of each process: a message, and a point where a message has more than one. */
export function cpuTable(results: readonly Result[]): string[] {
  const rows = results.map((result) => [
    result.name,
    ...PARTS.map((part) => spent(result, [part])),
    spent(result, PARTS),
  ]);
  const title = 'us of CPU a message, or a point';
  return table([title, 'publisher', 'broker', 'itself', 'PostgreSQL', 'all'], rows);
}

/** Null where the publisher was not what it all waited for. */
export function publisherNote(results: readonly Result[]): string | null {
  const busy = results.filter(({ runs }) => {
    const shares = runs.map(
      ({ cpu, published }) => (cpu.publisher ?? 0) / (published ?? Number.POSITIVE_INFINITY),
    );
    const waits = runs.map(({ seconds, published }) => (published ?? 0) / seconds);
    return figure(shares).median > BUSY && figure(waits).median > BUSY;
  });
  if (busy.length === 0) return null;
  return `The publisher kept a core busy to the end, so these are its limit: ${busy.map(({ name }) => name).join(', ')}.`;
}

/** Replaces what stands between the markers of a section; throws where there are none. */
export function writeSection(name: string, lines: readonly string[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [`<!-- compare ${name} -->\n`, `<!-- end of compare ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`docs/benchmarks.md has no section ${name}`);
  writeFileSync(PAGE, `${page.slice(0, from + begin.length)}${lines.join('\n')}\n${page.slice(to)}`);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function pointRate({ points, seconds }: Run): number {
  return points / seconds;
}

function messageRate({ runs }: Result): string {
  const rates = runs.flatMap(({ messages, points, lost, seconds }) =>
    messages === null ? [] : [(messages * (points / (points + lost))) / seconds],
  );
  return rates.length > 0 ? told(rates) : '';
}

function told(values: readonly number[]): string {
  return figure(values).text('');
}

/** Whether a message has more than one point. */
function hasMany({ runs }: Pick<Result, 'runs'>): boolean {
  return runs.some(({ messages, points, lost }) => messages !== null && messages < points + lost);
}

function spent({ runs }: Pick<Result, 'runs'>, parts: readonly Part[]): string {
  const total = ({ cpu }: Run) => parts.reduce((sum, part) => sum + (cpu[part] ?? 0), 0) * 1e6;
  if (runs.every(({ cpu }) => parts.every((part) => cpu[part] === undefined))) return '';
  const ofPoints = short(figure(runs.map((run) => total(run) / (run.points + run.lost))));
  if (!hasMany({ runs })) return ofPoints;
  return `${short(figure(runs.map((run) => total(run) / (run.messages ?? Number.NaN))))}, ${ofPoints}`;
}

function short({ median }: Figure): string {
  return median >= 10 ? Math.round(median).toLocaleString('en-US') : median.toPrecision(2);
}
