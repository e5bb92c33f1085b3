import { setTimeout as delay } from 'node:timers/promises';
import type { Spool, SpooledBatch } from './pipeline/spool-types.ts';
import type { LedgerEntry, SessionStore } from './pipeline/types.ts';

/** Milliseconds that the database has to begin an epoch before the spool does it. */
const PATIENCE = 1_000;
export type SpooledEntries = Omit<Awaited<ReturnType<SessionStore['load']>>, 'filters'>;

/** Arrivals that an identifier of a packet can be looked up among: none is given out for longer. */
const WINDOW = 65_536;

/**
 * The ledger where a part of it may lie in the spool: messages that were acknowledged there are as settled as those in the
 * database, and an epoch that began while that was away is as durable. `left`: what the spool held before anything was
 * drained; `onAppended`: the spool has something to drain.
 */
export function spooledSessions(
  sessions: SessionStore,
  spool: Spool,
  left: SpooledEntries,
  onAppended: () => void,
): SessionStore {
  return {
    load: async () => {
      const stored = await sessions.load();
      const epoch = Math.max(stored.epoch, left.epoch);
      const entries = new Map<number, LedgerEntry>();
      for (const from of [stored, left]) {
        if (from.epoch === epoch) for (const entry of from.entries) entries.set(entry.ordinal, entry);
      }
      return {
        ...stored,
        epoch,
        entries: [...entries.values()].sort((one, other) => one.ordinal - other.ordinal),
      };
    },
    begin: async (epoch) => {
      if (await beginsInTime(sessions.begin(epoch))) return;
      await spool.append({
        id: crypto.randomUUID(),
        epoch,
        messages: [],
        decoded: 0,
        apart: { ignored: 0, dropped: 0, droppedPoints: 0 },
      });
      onAppended();
    },
    subscribed: (filters) => sessions.subscribed(filters),
    forget: (epoch, below) => sessions.forget(epoch, below),
  };
}

async function beginsInTime(beginning: Promise<void>): Promise<boolean> {
  const over = new AbortController();
  const late = delay(PATIENCE, false, { signal: over.signal }).catch(() => false);
  const begun = beginning.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([begun, late]);
  } finally {
    over.abort();
  }
}

/** Of what lies in the spool: the entries of the greatest epoch, no more of them than may be asked for. */
export async function spooledEntries(left: AsyncIterable<SpooledBatch>): Promise<SpooledEntries> {
  let epoch = 0;
  let entries = new Map<number, LedgerEntry>();
  for await (const batch of left) {
    for (const { identity, duplicate } of batch.messages) {
      if (identity === null || identity.epoch < epoch) continue;
      if (identity.epoch > epoch) {
        epoch = identity.epoch;
        entries = new Map();
      }
      entries.delete(identity.ordinal - WINDOW);
      entries.set(identity.ordinal, { ...identity, duplicate });
    }
    if (batch.epoch !== null && batch.epoch > epoch) {
      epoch = batch.epoch;
      entries = new Map();
    }
  }
  return { epoch, entries: [...entries.values()] };
}
