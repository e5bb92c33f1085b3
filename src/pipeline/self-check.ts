import type { SpoolDropped } from './spool-types.ts';
import type { BatchTotals, IngestStats } from './types.ts';

/** Both sides of an account that does not add up. */
export interface Imbalance {
  /** memory: the sheet itself; database: the sheet against what was committed. */
  readonly where: 'memory' | 'database';
  readonly detail: string;
}

type Totals = Pick<IngestStats, 'messages' | 'points'>;

/**
 * What is wrong with the account, or null (guarantee G2). `committed` are the totals in the database, read between the
 * snapshots `before` and `after`: no count may lie outside of what the two say, with what is in hand, as a commit may be
 * known here a moment later than it took place; `untold` may be missing there yet. Null where they could not be read.
 */
export function imbalanceOf(
  before: IngestStats,
  committed: BatchTotals | null,
  after: IngestStats,
  untold: SpoolDropped = { messages: 0, points: 0 },
): Imbalance | null {
  if (!after.balanced) return { where: 'memory', detail: JSON.stringify(after) };
  if (committed === null) return null;
  for (const side of ['messages', 'points'] as const) {
    const outside = outsideOf(side, before, committed, after, untold[side]);
    if (outside !== null) return { where: 'database', detail: outside };
  }
  return null;
}

function outsideOf(
  side: 'messages' | 'points',
  before: Totals,
  committed: BatchTotals,
  after: Totals,
  untold: number,
): string | null {
  for (const [outcome, count] of Object.entries(committed[side])) {
    // What is decoded counts at once, what became of it with the commit.
    if (outcome === 'decoded') continue;
    const known = (before[side] as Readonly<Record<string, number>>)[outcome] ?? 0;
    const least = outcome === 'dropped' ? known - untold : known;
    const open = after[side].in_flight + after[side].spooled;
    const most = ((after[side] as Readonly<Record<string, number>>)[outcome] ?? 0) + open;
    if (count < least || count > most) {
      return `${side}.${outcome}: ${count} are committed, the sheet has ${least === most ? least : `${least} to ${most}`}`;
    }
  }
  return null;
}
