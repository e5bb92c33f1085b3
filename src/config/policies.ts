/** Policies that are fine alone and wrong together. */

import type { Mistake, Path } from './mistakes.ts';
import { nearest } from './nearest.ts';
import type { Settings } from './schema.ts';
import type { SeriesPolicy } from './series-policy.ts';
import { DAY } from './units.ts';

/** Aggregates, the finest first, with the milliseconds of a bucket. */
const WIDTHS = { '1min': DAY / 1440, '15min': DAY / 96, '1hour': DAY / 24, '1day': DAY } as const;
type Level = keyof typeof WIDTHS;
const LEVELS = Object.keys(WIDTHS) as Level[];

/**
 * `series`: undefined for an item that has a mistake. `routes`: the names that an item may ask for; null where they are
 * not known.
 */
export function policyMistakes(
  policies: Settings['policies'],
  series: readonly (SeriesPolicy | undefined)[],
  routes: readonly string[] | null,
): Mistake[] {
  return [
    ...windowMistakes(policies),
    ...retentionMistakes(policies, series),
    ...ownRetentionMistakes(policies, series),
    ...series.flatMap((item, index) => (item ? routeMistake(item, index, routes) : [])),
  ];
}

function windowMistakes({ aggregates }: Settings['policies']): Mistake[] {
  return LEVELS.flatMap((level) => {
    const { start_offset: start, end_offset: end } = aggregates[level];
    return start - end >= 2 * WIDTHS[level]
      ? []
      : {
          paths: [aggregateKey(level, 'start_offset'), aggregateKey(level, 'end_offset')],
          text: `contradict each other: two buckets (${level}) must fit between them`,
        };
  });
}

/** What is refreshed must still be there: what a level is computed from outlives the level's window. */
function retentionMistakes(
  { aggregates, retention }: Settings['policies'],
  series: readonly (SeriesPolicy | undefined)[],
): Mistake[] {
  const mistakes: Mistake[] = [];
  let source: Level | 'raw' = 'raw';
  for (const level of LEVELS.filter((level) => aggregates[level].enabled)) {
    const kept: (readonly [Path, number | null])[] = [[['policies', 'retention', source], retention[source]]];
    if (source === 'raw') {
      for (const [index, item] of series.entries()) {
        if (item?.aggregates === true)
          kept.push([['policies', 'series', index, 'retention'], item.retention]);
      }
    }
    for (const [path, age] of kept) {
      if (age !== null && aggregates[level].start_offset >= age) {
        const text = `contradict each other: the level is computed from ${source}, which must be kept for longer than start_offset`;
        mistakes.push({ paths: [aggregateKey(level, 'start_offset'), path], text });
      }
    }
    source = level;
  }
  return mistakes;
}

/** Retention deletes whole chunks, all series of them: one may be kept for less than the others, not for longer. */
function ownRetentionMistakes(
  { retention: { raw } }: Settings['policies'],
  series: readonly (SeriesPolicy | undefined)[],
): Mistake[] {
  return [...series.entries()].flatMap(([index, item]) =>
    raw === null || item?.retention == null || item.retention <= raw
      ? []
      : [
          {
            paths: [
              ['policies', 'series', index, 'retention'],
              ['policies', 'retention', 'raw'],
            ],
            text: 'contradict each other: no series is kept for longer than policies.retention.raw',
          },
        ],
  );
}

function routeMistake({ route }: SeriesPolicy, index: number, routes: readonly string[] | null): Mistake[] {
  if (route === null || routes === null || routes.includes(route)) return [];
  const text = `do not go together: no route is named ${JSON.stringify(route)}; the nearest one is ${nearest(route, routes)}`;
  return [{ paths: [['policies', 'series', index, 'route'], ['routes']], text }];
}

function aggregateKey(level: Level, name: string): Path {
  return ['policies', 'aggregates', level, name];
}
