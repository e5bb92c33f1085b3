import type { LedgerEntry, SessionStore } from '../../../src/pipeline/types.ts';

/** A session store in memory, with every call that was made to it. */
export interface MemorySessions extends SessionStore {
  readonly begun: number[];
  /** What the session may be subscribed to, each time that it was told. */
  readonly told: (readonly string[])[];
  readonly forgotten: (readonly [epoch: number, below: number])[];
}

/** `begin`: called before each attempt; may wait or throw. */
export function memorySessions(
  epoch = 0,
  entries: readonly LedgerEntry[] = [],
  begin: (epoch: number) => Promise<void> = () => Promise.resolve(),
  filters: readonly string[] = [],
): MemorySessions {
  const told: (readonly string[])[] = [];
  const begun: number[] = [];
  const forgotten: [number, number][] = [];
  return {
    begun,
    told,
    forgotten,
    load: () => Promise.resolve({ epoch, entries, filters }),
    subscribed: async (now) => void told.push(now),
    begin: async (next) => {
      await begin(next);
      begun.push(next);
    },
    forget: (of, below) => void forgotten.push([of, below]),
  };
}
