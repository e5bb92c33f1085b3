import { randomUUID } from 'node:crypto';
import type { SpooledBatch } from '../pipeline/spool-types.ts';
import type { Totals } from './totals.ts';

/** The record that counts what other records held and nobody will write any more. */
export function tallyOf({ messages, points, ignored, dropped, droppedPoints, epoch }: Totals): SpooledBatch {
  return {
    id: randomUUID(),
    epoch,
    messages: [],
    decoded: 0,
    apart: { ignored, dropped: dropped + messages, droppedPoints: droppedPoints + points },
  };
}
