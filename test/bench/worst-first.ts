/**
 * Process that decodes one message, the first of its life. As of a daemon all of the program is loaded and its heap kept small;
 * nothing of what decodes is compiled yet.
 */

import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import { beginSmall, keepSmall } from '../../src/heap.ts';
import type { WorstKind } from './worst-decoding.ts';

export interface WorstFirst extends WorstKind {
  readonly payload: Uint8Array;
  readonly limits: DecodeLimits;
}

beginSmall();
await import('../../src/commands/run.ts');
await import('../../src/app.ts');
const { WorstDecoding } = await import('./worst-decoding.ts');
keepSmall();

process.once('message', ({ payload, limits, ...kind }: WorstFirst) => {
  process.send?.(new WorstDecoding(kind, limits).alone(payload));
  process.disconnect();
});
