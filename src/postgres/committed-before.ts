import type { Client } from 'pg';
import { WriteError } from '../errors.ts';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { partIds } from '../pipeline/batch.ts';
import type { Batch, BatchTotals } from '../pipeline/types.ts';
import type { Journal } from './journal.ts';

export interface CommittedBefore {
  readonly totals: BatchTotals;
  /** By an earlier life of the daemon. */
  readonly earlier: boolean;
}

/**
 * What became of a batch whose COMMIT, in this life or an earlier one, may have taken place: null where nothing of it was
 * committed. Rejects with a WriteError to isolate where a part of it was, as that life had other records of the spool in
 * hand or found a culprit: then it goes by its parts. `isEarlier` says so of the id of a batch.
 */
export async function committedBefore(
  client: Client,
  journal: Journal,
  { id, records, deliveries }: Batch,
  isEarlier: (batchId: string) => boolean,
): Promise<CommittedBefore | null> {
  const ids = records.map((record) => record.id);
  const committed = ids.length === 0 ? await journal.find(client, id) : await journal.ofRecords(client, ids);
  const whole = ids.length > 1 ? ids : [id];
  const earlier = whole.filter(isEarlier).length;
  if (whole.every((one) => committed.has(one)) && (earlier === 0 || earlier === whole.length)) {
    const totals = emptyTotals();
    for (const one of whole) addTotals(totals, committed.get(one) ?? emptyTotals());
    return { totals, earlier: earlier > 0 };
  }
  const parts = ids.length > 1 ? committed.keys() : partIds(id, deliveries.length);
  for (const part of parts) {
    if (committed.has(part))
      throw new WriteError('isolate', null, 'a part of the batch was committed before');
  }
  return null;
}
