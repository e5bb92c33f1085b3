/** Points in an order that no sorting has seen. Times are microseconds since 1970. */

import { randomFrom } from '../support/random.ts';
import type { Put } from './model.ts';

export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const at = (iso: string): number => Date.parse(iso) * 1000;

const AWKWARD = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  -1e308,
  1e140,
  -1e140,
  1.5e140,
  5e-324,
  -5e-324,
  1e-310,
  -0,
  0.1 + 0.2,
  1,
  2.5,
];

/** Numbers from 0 on, below 1. */
export type Random = () => number;

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The metrics of a device at a time: plain, awkward, a counter that is reset, a text. */
function valuesAt(device: string, time: number, random: Random): Put[] {
  const index = Math.floor(time / (7 * MINUTE));
  return [
    { device, metric: 'plain', time, value: Math.round((20 + 5 * random()) * 100) / 100 },
    ...(index % 3 === 0
      ? [{ device, metric: 'awkward', time, value: AWKWARD[Math.floor(random() * AWKWARD.length)] as number }]
      : []),
    ...(device === 'a' ? [{ device, metric: 'counter', time, value: (index * 3) % 500 }] : []),
    ...(index % 5 === 0 ? [{ device, metric: 'note', time, value: `it is ${time} – ☃` }] : []),
  ];
}

/** Days on which the clocks of Europe change; a dense day; a few of the last days; some of a year ago. */
export function lifetime(now: number, seed: number): Put[] {
  const random = randomFrom(seed);
  const rows: Put[] = [];
  const spread = (device: string, from: number, to: number, step: number) => {
    for (let time = from; time < to; time += step) {
      if (random() < 0.9) rows.push(...valuesAt(device, time + Math.floor(random() * step), random));
    }
  };
  for (const day of ['2024-03-30T20:00:00Z', '2024-10-26T20:00:00Z'])
    spread('a', at(day), at(day) + 30 * HOUR, 8 * MINUTE);
  // Enough for a chunk of its own on every engine.
  spread('a', now - 12 * DAY, now - 12 * DAY + 5 * HOUR, 20 * SECOND);
  spread('b', now - 12 * DAY, now - 11 * DAY, 10 * MINUTE);
  for (const device of ['a', 'b']) {
    spread(device, now - 400 * DAY, now - 360 * DAY, DAY);
    spread(device, now - 3 * DAY, now, 40 * MINUTE);
  }
  spread('ü/c', now - HOUR, now, MINUTE);
  return rows;
}

/** Batches of some rows each: some of them again, some with another value. */
export function batchesOf(rows: readonly Put[], size: number, random: Random): Put[][] {
  const again = rows
    .filter(() => random() < 0.1)
    .map((row) =>
      random() < 0.5 ? row : { ...row, value: typeof row.value === 'string' ? 'another' : -row.value + 1 },
    );
  const all = shuffled([...rows, ...again], random);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, batch) =>
    all.slice(batch * size, (batch + 1) * size),
  );
}
