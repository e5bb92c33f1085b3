import { DifferentTexts } from '../different-texts.ts';
import { Excess } from '../excess.ts';
import type { Metric, Template } from './payload.ts';

/** Throws Excess where there are more different ones than `most`. */
export function countNames(metrics: readonly Metric[], most: number, names = new DifferentTexts()): void {
  for (const { name, kind, value } of metrics) {
    if (name !== null) names.add(name);
    if (names.size > most) throw new Excess('too_many_names', `more than ${most} different names`);
    if (kind === 'template') countNames((value as Template).metrics, most, names);
  }
}
