import { ARRIVAL, type Batch, CHANGES_ONLY, type Series, type TextColumns } from '../pipeline/types.ts';
import type { OnDuplicate } from './rows.ts';
import { type SeriesRepeat, SeriesRepeats } from './series-repeats.ts';

const MILLISECOND = 1000;

type LatestText = NonNullable<Series['latestText']>;

export interface TextRow {
  readonly series: Series;
  readonly timestamp: number;
  value: string;
  readonly arrival: boolean;
}

export interface TextRows {
  readonly rows: readonly TextRow[];
  readonly duplicate: number;
  readonly conflict: number;
  readonly repeats: readonly SeriesRepeat[];
  /** Texts left out because they repeat the series' latest one. */
  readonly unchanged: number;
  /** Texts left out because they are older than retention keeps. */
  readonly expired: number;
  /** The series' latest texts once the rows are committed. */
  readonly latest: ReadonlyMap<Series, LatestText>;
}

/**
 * The texts to store, by series, each key once, repetitions of the latest text left out where the route asks for
 * changes only. A text older than the latest known one is stored whatever it says: it may be a change of its time. So is
 * one of a metric that has numbers too: a thermostat is `heat`, `off`, which is a 0, and `heat` again. Texts before `cut`
 * (microseconds since 1970) are left out.
 */
export function textRows(batch: Batch, onDuplicate: OnDuplicate, cut = Number.NEGATIVE_INFINITY): TextRows {
  const { texts, series } = batch;
  const rows: TextRow[] = [];
  const latestOf = new Map<Series, LatestText>();
  let duplicate = 0;
  let conflict = 0;
  let unchanged = 0;
  let expired = 0;
  const repeats = new SeriesRepeats();
  for (const [one, run] of runsOf(texts, series)) {
    const timed = new Set<number>();
    for (const row of run) if (!isArrival(texts, row)) timed.add(texts.timestamp[row] as number);
    let free = Number.NEGATIVE_INFINITY;
    let latest = one.latestText;
    let last: TextRow | undefined;
    for (const row of run) {
      const value = texts.value[row] as string;
      const arrival = isArrival(texts, row);
      let timestamp = texts.timestamp[row] as number;
      if (timestamp < cut) {
        expired++;
        continue;
      }
      // Of two texts of one millisecond without times of their own, the later to arrive is the newer.
      const newer =
        latest === undefined || (arrival ? timestamp + MILLISECOND : timestamp) > latest.timestamp;
      if (newer && !one.mixed && latest?.value === value && changesOnly(texts, row)) {
        unchanged++;
        continue;
      }
      if (arrival) {
        timestamp = Math.max(timestamp, free);
        while (timed.has(timestamp)) timestamp++;
        free = timestamp + 1;
      }
      if (last?.timestamp === timestamp) {
        const same = last.value === value;
        if (same) duplicate++;
        else conflict++;
        repeats.add(one.id as number, same ? 1 : 0, same ? 0 : 1);
        if (onDuplicate === 'keep_last') last.value = value;
      } else {
        last = { series: one, timestamp, value, arrival };
        rows.push(last);
      }
      const replaced = onDuplicate === 'keep_last' && latest?.timestamp === timestamp;
      if (newer || replaced) latest = { value: last.value, timestamp };
    }
    if (latest !== undefined) latestOf.set(one, latest);
  }
  return { rows, duplicate, conflict, repeats: repeats.list(), unchanged, expired, latest: latestOf };
}

/** To be called once the rows are committed. */
export function rememberLatest(latest: TextRows['latest']): void {
  for (const [series, text] of latest) series.latestText = text;
}

/** The row numbers of each series by time, those with a time of their own first; the series by their ids. */
function runsOf(texts: TextColumns, series: readonly Series[]): [Series, number[]][] {
  const runs = new Map<Series, number[]>();
  for (let row = 0; row < texts.length; row++) {
    const one = series[texts.seriesIndex[row] as number] as Series;
    const run = runs.get(one);
    if (run === undefined) runs.set(one, [row]);
    else run.push(row);
  }
  for (const run of runs.values()) {
    run.sort(
      (left, right) =>
        (texts.timestamp[left] as number) - (texts.timestamp[right] as number) ||
        Number(isArrival(texts, left)) - Number(isArrival(texts, right)) ||
        left - right,
    );
  }
  return [...runs].sort(([left], [right]) => (left.id as number) - (right.id as number));
}

function isArrival(texts: TextColumns, row: number): boolean {
  return ((texts.flags[row] as number) & ARRIVAL) !== 0;
}

function changesOnly(texts: TextColumns, row: number): boolean {
  return ((texts.flags[row] as number) & CHANGES_ONLY) !== 0;
}
