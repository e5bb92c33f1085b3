import { ARRIVAL, type Batch, CHANGES_ONLY, type Series } from '../pipeline/types.ts';
import type { OnDuplicate } from './rows.ts';

const MILLISECOND = 1000;

export interface TextRow {
  readonly series: Series;
  timestamp: number;
  value: string;
  readonly arrival: boolean;
}

export interface TextRows {
  readonly rows: readonly TextRow[];
  readonly duplicate: number;
  readonly conflict: number;
  /** Texts left out because they repeat the series' latest one. */
  readonly unchanged: number;
}

/**
 * The texts to store, by series and time, each key once, repetitions of the latest text left out where the route asks
 * for changes only. A text older than the latest known one is stored whatever it says: it may be a change of its time.
 */
export function textRows(batch: Batch, onDuplicate: OnDuplicate): TextRows {
  const { texts, series } = batch;
  const runs = new Map<Series, number[]>();
  for (let row = 0; row < texts.length; row++) {
    const one = series[texts.seriesIndex[row] as number] as Series;
    const run = runs.get(one);
    if (run === undefined) runs.set(one, [row]);
    else run.push(row);
  }
  const rows: TextRow[] = [];
  let duplicate = 0;
  let conflict = 0;
  let unchanged = 0;
  for (const [one, run] of [...runs].sort(([left], [right]) => (left.id as number) - (right.id as number))) {
    run.sort(
      (left, right) => (texts.timestamp[left] as number) - (texts.timestamp[right] as number) || left - right,
    );
    let latest = one.latestText;
    let last: TextRow | undefined;
    for (const row of run) {
      const value = texts.value[row] as string;
      const flags = texts.flags[row] as number;
      const arrival = (flags & ARRIVAL) !== 0;
      let timestamp = texts.timestamp[row] as number;
      if (arrival && last !== undefined && timestamp <= last.timestamp) timestamp = last.timestamp + 1;
      // Of two texts of one millisecond without times of their own, the later to arrive is the newer.
      const newer =
        latest === undefined || (arrival ? timestamp + MILLISECOND : timestamp) > latest.timestamp;
      if ((flags & CHANGES_ONLY) !== 0 && newer && latest?.value === value) {
        unchanged++;
        continue;
      }
      if (last !== undefined && last.timestamp === timestamp) {
        if (last.value === value) duplicate++;
        else conflict++;
        if (onDuplicate === 'keep_last') last.value = value;
      } else {
        last = { series: one, timestamp, value, arrival };
        rows.push(last);
      }
      if (newer) latest = { value: last.value, timestamp };
    }
  }
  return { rows, duplicate, conflict, unchanged };
}

/** To be called once the rows are committed: what the series' latest texts are now. */
export function rememberLatest(rows: readonly TextRow[]): void {
  for (const { series, timestamp, value } of rows) {
    if (series.latestText === undefined || timestamp >= series.latestText.timestamp) {
      series.latestText = { value, timestamp };
    }
  }
}
