import { isoOf } from '../iso-time.ts';
import type { Difference } from '../postgres/import-check.ts';
import type { ImportOrder, ImportReport } from '../transfer/importing.ts';
import type { ImportSource } from '../transfer/sources.ts';
import { count } from './counted.ts';
import { printable } from './printable.ts';

/** Bad records that are shown. */
const SHOWN = 20;
/** A number as half of the world writes it. */
const COMMA = /^[-+]?\d+,\d+$/;
/** Milliseconds between two looks. */
const EVERY = 200;

/** One line for a terminal. */
export class ImportProgress {
  readonly #source: ImportSource;
  readonly #begun = performance.now();
  #shown = Number.NEGATIVE_INFINITY;
  #first: { readonly records: number; readonly at: number } | null = null;

  constructor(source: ImportSource) {
    this.#source = source;
  }

  isDue(): boolean {
    return performance.now() - this.#shown >= EVERY;
  }

  /** `skipped`: they are records that an earlier run imported. */
  describe(records: number, skipped: boolean): string {
    const now = performance.now();
    this.#shown = now;
    if (skipped) return `${bar(null)} ${n(records)} records that were imported before`;
    this.#first ??= { records, at: now };
    const { total } = this.#source;
    const share = total === null || total === 0 ? null : Math.min(1, this.#source.consumed() / total);
    const seconds = (now - this.#first.at) / 1000;
    const rate = seconds > 0 ? Math.round((records - this.#first.records) / seconds) : 0;
    const left = share === null || share === 0 ? null : ((now - this.#begun) / 1000) * (1 / share - 1);
    return [
      `${bar(share)} ${n(records)} records`,
      `${n(rate)}/s`,
      ...(share === null ? [] : [`${Math.floor(share * 100)} %`]),
      ...(left === null || share === 1 ? [] : [`${duration(left)} left`]),
    ].join('  ');
  }
}

const WIDTH = 20;

function bar(share: number | null): string {
  const filled = Math.round((share ?? 0) * WIDTH);
  return share === null ? '' : `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}]`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function describeImport(order: ImportOrder, report: ImportReport, dry: boolean): string {
  const { outcome, totals, before, rejects, check } = report;
  const { mapping, tallies, skipped, records, rejected } = outcome;
  const from = order.source.name === null ? 'the standard input' : printable(order.source.name);
  const earlier = skipped > 0 ? `, ${n(skipped)} of them imported before` : '';
  const lines = [`${dry ? 'Would import' : 'Imported'} ${count(records, 'record')} of ${from}${earlier}:`];
  if (dry && mapping !== null) {
    const parts = Object.entries(mapping.description).map(([what, where]) => `${what} ${printable(where)}`);
    lines.push(`mapping         ${parts.join('; ')}`);
  }
  const { points } = totals;
  lines.push(
    ...(
      [
        [
          points.stored,
          before.points.stored,
          dry ? 'points, but for those that are there already' : 'points stored',
        ],
        [
          points.duplicate,
          before.points.duplicate,
          'points were there already, or repeat another of the source',
        ],
        [
          points.conflict,
          before.points.conflict,
          'points have the key of another with another value, which ingest.on_duplicate decided',
        ],
        [
          points.dropped - outcome.droppedTexts,
          0,
          'points not stored: policies.retention deletes what is so old',
        ],
        [outcome.droppedTexts, 0, 'texts not stored, as --text says'],
        [points.dead_lettered, before.points.dead_lettered, 'values could not be stored'],
        [rejected, 0, 'records were bad, in whole or in part'],
      ] as const
    )
      .filter(([number]) => number > 0)
      .map(
        ([number, old, what]) =>
          `${n(number - old).padStart(15)} ${number - old === 1 ? one(what) : what}${byEarlierRuns(old)}`,
      ),
  );
  const { range } = tallies;
  if (range !== null)
    lines.push(`series          ${n(tallies.series)}, ${isoOf(range.first)} to ${isoOf(range.last)}`);
  for (const { line, code, detail } of rejects.slice(0, SHOWN))
    lines.push(`line ${String(line).padEnd(10)} ${code}: ${printable(detail)}`);
  if (rejected > SHOWN)
    lines.push(`                and so on; --json lists ${n(Math.min(rejected, rejects.length))} of them`);
  if (dry)
    for (const { timestamp, deviceId, metricName, value } of outcome.sample) {
      const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
      const names = `${printable(deviceId)}  ${printable(metricName)}`;
      lines.push(`point           ${isoOf(timestamp)}  ${names}  ${printable(text)}`);
    }
  if (dry && outcome.sample.some(({ value }) => typeof value === 'string' && COMMA.test(value)))
    lines.push('Texts such as "20,5" are numbers with --decimal-comma.');
  if (outcome.end === 'errors')
    lines.push(
      `Stopped: more than ${n(order.maxErrors)} bad records (--max-errors). What is good until there is stored.`,
    );
  if (outcome.end === 'stopped') lines.push('Stopped. The same command goes on from there.');
  if (check !== null) lines.push(...describeCheck(check));
  return lines.join('\n');
}

function byEarlierRuns(number: number): string {
  return number === 0 ? '' : `; ${n(number)} more in earlier runs`;
}

/** `points were ...` of one. */
function one(what: string): string {
  return what
    .replace(/^(\w+)s\b/, '$1')
    .replace(/^(\w+) were\b/, '$1 was')
    .replace(/^(\w+) have\b/, '$1 has')
    .replace(' repeat ', ' repeats ');
}

function describeCheck(check: NonNullable<ImportReport['check']>): string[] {
  const { series, points, fewer, lacking, other, more, passed } = check;
  const lines = [
    passed
      ? `Verified: ${count(points, 'point')} of ${n(series)} series, counts and sums against what is stored.`
      : 'NOT VERIFIED: what is stored is not what the source has.',
  ];
  if (more > 0)
    lines.push(`${n(more).padStart(15)} series have more points of that time, which are not of this source`);
  if (lacking > 0)
    lines.push(
      `${n(lacking).padStart(15)} points of the source have no row of their own${passed ? ': repeated keys' : ''}`,
    );
  for (const difference of [...fewer, ...other].slice(0, SHOWN)) lines.push(describeDifference(difference));
  return lines;
}

function describeDifference({ deviceId, metricName, source, stored }: Difference): string {
  return `series          ${printable(deviceId)}  ${printable(metricName)}: source ${count(source.count, 'point')}, sum ${source.sum}; stored ${n(stored.count)}, sum ${stored.sum}`;
}

export function importJson(order: ImportOrder, report: ImportReport, dry: boolean): string {
  const { outcome, totals, before, rejects, check } = report;
  const { range } = outcome.tallies;
  return JSON.stringify({
    dry_run: dry,
    source: order.source.name,
    mapping: outcome.mapping?.description ?? null,
    end: outcome.end,
    records: outcome.records,
    records_before: outcome.skipped,
    rejected: outcome.rejected,
    points: totals.points,
    points_before: before.points,
    series: outcome.tallies.series,
    first: range === null ? null : isoOf(range.first),
    last: range === null ? null : isoOf(range.last),
    rejects: rejects.map(({ line, code, detail }) => ({ line, code, detail })),
    check:
      check === null
        ? null
        : {
            passed: check.passed,
            series: check.series,
            points: check.points,
            series_with_more: check.more,
            lacking: check.lacking,
            differences: [...check.fewer, ...check.other],
          },
  });
}

function n(count: number): string {
  return count.toLocaleString('en-US');
}
