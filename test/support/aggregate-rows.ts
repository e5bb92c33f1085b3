/** Rows as an aggregate level has them, computed from points the way that databases do: with the noise of rounding. */

import { type AggregateRows, emptyRows } from '../../src/segments/aggregate-rows.ts';
import type { Points } from '../../src/segments/segment.ts';

export function aggregate(seriesId: number, points: Points, width: number): AggregateRows {
  const { timestamp, value } = points;
  const bucketOf = (time: number): number => Math.floor(time / width) * width;
  const starts = [...timestamp.keys()].filter(
    (row) => row === 0 || bucketOf(timestamp[row] as number) !== bucketOf(timestamp[row - 1] as number),
  );
  const rows = emptyRows(starts.length);
  for (const [row, from] of starts.entries()) {
    const to = starts[row + 1] ?? timestamp.length;
    rows.seriesId[row] = seriesId;
    rows.bucket[row] = bucketOf(timestamp[from] as number);
    rows.firstTime[row] = timestamp[from] as number;
    rows.lastTime[row] = timestamp[to - 1] as number;
    rows.firstValue[row] = value[from] as number;
    rows.lastValue[row] = value[to - 1] as number;
    rows.count[row] = to - from;
    const taken = value.subarray(from, to);
    rows.min[row] = taken.reduce((left, right) => (right < left || Number.isNaN(left) ? right : left));
    rows.max[row] = taken.reduce((left, right) => (right > left || Number.isNaN(right) ? right : left));
    const covered = taken.filter((one) => Math.abs(one) <= 1e140);
    rows.excluded[row] = taken.length - covered.length;
    const sum = covered.reduce((total, one) => total + one, 0);
    rows.sum[row] = covered.length === 1 ? (covered[0] as number) : sum;
    const mean = sum / Math.max(covered.length, 1);
    rows.m2[row] = covered.length < 2 ? 0 : covered.reduce((total, one) => total + (one - mean) ** 2, 0);
    for (let index = from + 1; index < to; index++) {
      const [previous, next] = [value[index - 1] as number, value[index] as number];
      if (!(Math.abs(previous) <= 1e140) || !(Math.abs(next) <= 1e140)) continue;
      const seconds = ((timestamp[index] as number) - (timestamp[index - 1] as number)) / 1_000_000;
      rows.integral[row] = (rows.integral[row] as number) + previous * seconds;
      rows.seconds[row] = (rows.seconds[row] as number) + seconds;
      if (next >= previous) rows.increase[row] = (rows.increase[row] as number) + (next - previous);
      else rows.resets[row] = (rows.resets[row] as number) + 1;
    }
  }
  return rows;
}
