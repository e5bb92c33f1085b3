/** What a changed configuration would store differently of the same messages. */

import type { ExplainedPoint, Explanation } from './explanation.ts';

/** Two explanations of one message, by the old routes and the new ones. */
export interface MessageChange {
  /** `mended`: no dead letter any more; `broken`: a dead letter now; `rest`: it is one before and after. */
  readonly verdict: 'mended' | 'broken' | 'rest' | 'stored';
  readonly gone: readonly ExplainedPoint[];
  readonly added: readonly ExplainedPoint[];
}

/** Null where both store the same and reject for the same reasons. */
export function compareExplanations(old: Explanation, now: Explanation): MessageChange | null {
  const before = new Map(old.points.map((point) => [identity(point), point]));
  const added: ExplainedPoint[] = [];
  for (const point of now.points) if (!before.delete(identity(point))) added.push(point);
  const gone = [...before.values()];
  const verdict = verdictOf(old.dead_letter !== null, now.dead_letter !== null);
  const isSame = added.length + gone.length === 0 && reasons(old) === reasons(now);
  return isSame ? null : { verdict, gone, added };
}

function verdictOf(wasDead: boolean, isDead: boolean): MessageChange['verdict'] {
  if (wasDead) return isDead ? 'rest' : 'mended';
  return isDead ? 'broken' : 'stored';
}

/** All that is stored of a point; whether its time is that of the arrival does not matter. */
function identity({ arrival: _arrival, ...point }: ExplainedPoint): string {
  return JSON.stringify({ ...point, sent: undefined });
}

function reasons({ rejections }: Explanation): string {
  return JSON.stringify(rejections);
}
