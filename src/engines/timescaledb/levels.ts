import type { LevelName, LevelPolicy } from '../engine.ts';

/** The finest first; each is computed from the one before it, the first from points. */
export const LEVELS = ['1min', '15min', '1hour', '1day'] as const satisfies readonly LevelName[];

/** The enabled levels and, since one is computed from what the one below keeps, those below them. */
export function keptLevels(levels: Readonly<Record<LevelName, LevelPolicy>>): LevelName[] {
  return LEVELS.slice(0, LEVELS.findLastIndex((level) => levels[level].enabled) + 1);
}

/** The hypertable or aggregate that a level is computed from. */
export function sourceOf(level: LevelName): string {
  const below = LEVELS[LEVELS.indexOf(level) - 1];
  return below === undefined ? 'points' : `aggregate_${below}`;
}
