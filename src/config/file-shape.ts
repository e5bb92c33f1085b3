/** What of a file has a place in the schema. */

import { allowed } from './formats.ts';
import { isTree, isUnset } from './items.ts';
import { isKey, type Section } from './key.ts';
import { type Mistake, type Path, showPath } from './mistakes.ts';
import { nearest } from './nearest.ts';

/** A copy of the file's values without unknown keys, misplaced values and empty ones (an empty key is not set). */
export function keepKnown(
  values: Readonly<Record<string, unknown>>,
  section: Section,
  candidates: readonly string[],
  mistakes: Mistake[],
  path: Path = [],
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const here = [...path, name];
    const node = Object.hasOwn(section, name) ? section[name] : undefined;
    if (node === undefined) {
      const text = `is not a known key; the nearest one is ${nearest(showPath(here), candidates)}`;
      mistakes.push({ paths: [here], text });
    } else if (isUnset(value)) {
      continue;
    } else if (isKey(node)) {
      if (isTree(value)) {
        mistakes.push({ paths: [here], text: `has keys below it, but takes ${allowed(node)}` });
      } else {
        kept[name] = value;
      }
    } else if (isTree(value)) {
      kept[name] = keepKnown(value, node, candidates, mistakes, here);
    } else {
      mistakes.push({ paths: [here], text: `needs keys below it: ${Object.keys(node).join(', ')}` });
    }
  }
  return kept;
}
