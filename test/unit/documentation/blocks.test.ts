/** Every block of code in the pages is of a known kind, and reads as what it says it is. */

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { PAGES } from '../../support/pages.ts';
import { EXECUTED, READ } from './block-kinds.ts';

for (const { blocks } of PAGES) {
  for (const { place, kind, text } of blocks) {
    test(`${place}: ${kind}`, (t) => {
      const known = [...new Set([...Object.keys(READ), ...EXECUTED])];
      assert.ok(known.includes(kind), `"${kind}" is none of ${known.join(', ')}`);
      READ[kind]?.(text, t);
    });
  }
}
