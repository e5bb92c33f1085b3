/** Thread that decodes one message, the first of its life: nothing of its V8 is compiled yet. */

import { parentPort, workerData } from 'node:worker_threads';
import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import { WorstDecoding } from './worst-decoding.ts';
import type { WorstMessage } from './worst-messages.ts';

export interface WorstFirst extends Pick<WorstMessage, 'format' | 'type'> {
  readonly payload: Uint8Array;
  readonly limits: DecodeLimits;
}

const { payload, limits, ...kind } = workerData as WorstFirst;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
parentPort?.postMessage(new WorstDecoding(kind, limits).alone(payload));
