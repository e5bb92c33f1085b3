import type { LedgerEntry, SessionStore } from '../../../src/pipeline/types.ts';

/** A session store in memory, with every call that was made to it. */
export interface MemorySessions extends SessionStore {
  readonly begun: number[];
  readonly forgotten: (readonly [epoch: number, below: number])[];
}

/** `begin`: called before each attempt; may wait or throw. */
export function memorySessions(
  epoch = 0,
  entries: readonly LedgerEntry[] = [],
  begin: (epoch: number) => Promise<void> = () => Promise.resolve(),
): MemorySessions {
  const begun: number[] = [];
  const forgotten: [number, number][] = [];
  return {
    begun,
    forgotten,
    load: () => Promise.resolve({ epoch, entries }),
    begin: async (next) => {
      await begin(next);
      begun.push(next);
    },
    forget: (of, below) => void forgotten.push([of, below]),
  };
}
