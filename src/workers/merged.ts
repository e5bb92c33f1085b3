import type { SpoolStatus } from '../pipeline/spool-types.ts';
import type { IngestStats, PipelineState } from '../pipeline/types.ts';

/** One account and one state of several processes. */

const PRESSURES = ['open', 'full', 'away'] as const satisfies readonly PipelineState['pressure'][];

/** Each of `stats` is of one moment; the moments may differ. */
export function mergedStats(stats: readonly [IngestStats, ...IngestStats[]]): IngestStats {
  return {
    since: least(stats.map(({ since }) => since)) as string,
    balanced: stats.every(({ balanced }) => balanced),
    messages: sums(stats.map(({ messages }) => messages)),
    points: sums(stats.map(({ points }) => points)),
  };
}

export function mergedState(states: readonly [PipelineState, ...PipelineState[]]): PipelineState {
  const [first, ...others] = states;
  if (others.length === 0) return first;
  const each = <T>(of: (state: PipelineState) => T) => states.map(of);
  return {
    stats: mergedStats([first.stats, ...others.map(({ stats }) => stats)]),
    untold: sums(each(({ untold }) => untold)),
    queue: sums(each(({ queue }) => queue)),
    maximum: sums(each(({ maximum }) => maximum)),
    pressure: PRESSURES.findLast((pressure) => states.some((state) => state.pressure === pressure)) ?? 'open',
    lastCommitAt: greatest(each(({ lastCommitAt }) => lastCommitAt)),
    oldestInFlightAt: least(each(({ oldestInFlightAt }) => oldestInFlightAt)),
    oldestWaits: Math.max(...each(({ oldestWaits }) => oldestWaits)),
    drainWaits: Math.max(...each(({ drainWaits }) => drainWaits)),
    spool: mergedSpool(each(({ spool }) => spool).filter((spool) => spool !== null)),
  };
}

function mergedSpool(spools: readonly SpoolStatus[]): SpoolStatus | null {
  const [first, ...others] = spools;
  if (first === undefined || others.length === 0) return first ?? null;
  const sum = (of: (spool: SpoolStatus) => number) => spools.reduce((total, spool) => total + of(spool), 0);
  return {
    batches: sum(({ batches }) => batches),
    messages: sum(({ messages }) => messages),
    points: sum(({ points }) => points),
    bytes: sum(({ bytes }) => bytes),
    maxBytes: sum(({ maxBytes }) => maxBytes),
    oldestAt: least(spools.map(({ oldestAt }) => oldestAt)),
    fault: spools.find(({ fault }) => fault !== null)?.fault ?? null,
    damaged: sums(spools.map(({ damaged }) => damaged)),
  };
}

function sums<Counts extends object>(all: readonly Counts[]): Counts {
  const total: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + (count as number);
  }
  return total as Counts;
}

function least<T extends number | string>(values: readonly (T | null)[]): T | null {
  return values.reduce((one, other) => (one === null || (other !== null && other < one) ? other : one), null);
}

function greatest(values: readonly (number | null)[]): number | null {
  return values.reduce((one, other) => (one === null || (other !== null && other > one) ? other : one), null);
}
