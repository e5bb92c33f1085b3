import { firstFrom } from './grid.ts';
import type { Points } from './segment.ts';

/** Both are in the order of time, and so are all of them. */
export function mergePoints(held: Points, added: Points): Points {
  if (added.timestamp.length === 0) return held;
  if (held.timestamp.length === 0) return added;
  const length = held.timestamp.length + added.timestamp.length;
  const [timestamp, value] = [new Float64Array(length), new Float64Array(length)];
  for (let row = 0, left = 0, right = 0; row < length; row++) {
    const isHeld = !((held.timestamp[left] as number) > (added.timestamp[right] ?? Number.POSITIVE_INFINITY));
    const from = isHeld && left < held.timestamp.length ? held : added;
    const index = from === held ? left++ : right++;
    timestamp[row] = from.timestamp[index] as number;
    value[row] = from.value[index] as number;
  }
  return { timestamp, value };
}

/** The points of from <= time < to, which share the memory of all. */
export function pointsWithin({ timestamp, value }: Points, from: number, to: number): Points {
  const [start, end] = [firstFrom(timestamp, from), firstFrom(timestamp, to)];
  return { timestamp: timestamp.subarray(start, end), value: value.subarray(start, end) };
}
