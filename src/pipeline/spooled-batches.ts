import type { BatchBuilder } from './batch-builder.ts';
import type { SpooledBatch } from './spool-types.ts';
import type { Batch, Delivery } from './types.ts';

/** The batch as it goes to the spool: its messages, not its points. */
export function toRecord(batch: Batch): SpooledBatch {
  return {
    id: batch.id,
    epoch: batch.deliveries.reduce<number | null>(later, null),
    messages: batch.deliveries,
    decoded: batch.messages.decoded.reduce((total, decoded) => total + decoded, 0),
    apart: batch.apart,
  };
}

function later(epoch: number | null, { identity }: Delivery): number | null {
  return identity === null ? epoch : Math.max(epoch ?? 0, identity.epoch);
}

/** One batch again of records that follow one another, by today's routes. `builder` must be empty. */
export function fromRecords(records: readonly SpooledBatch[], builder: BatchBuilder): Batch {
  for (const { messages, apart } of records) {
    for (const message of messages) builder.add({ ...message, ack: acknowledged });
    builder.addCounts(apart);
  }
  return builder.seal(records.map(({ id, messages, apart }) => ({ id, messages: messages.length, apart })));
}

/** Its message was acknowledged when it was spooled. */
function acknowledged(): void {}
