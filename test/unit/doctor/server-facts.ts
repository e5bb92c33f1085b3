import type { ServerInput } from '../../../src/doctor/server-workload.ts';
import type { ServerFacts, ServerSetting } from '../../../src/postgres/server-facts.ts';

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** A setting of a size, a time or a number. */
export function amount(value: number, shown = String(value)): ServerSetting {
  return { shown, amount: value, choices: null, needsRestart: false };
}

/** A setting that is a word. */
export function word(shown: string, choices: readonly string[] | null = null): ServerSetting {
  return { shown, amount: Number.NaN, choices, needsRestart: false };
}

/** A well-kept PostgreSQL 18 on a machine of 16 GiB and 4 cores; `changes` on top. */
export function serverInput(
  settings: Readonly<Record<string, ServerSetting>>,
  { facts, ...changes }: Omit<Partial<ServerInput>, 'facts'> & { facts?: Partial<ServerFacts> } = {},
): ServerInput {
  return {
    memory: 16 * GIB,
    cores: 4,
    disk: 500 * GIB,
    peakPoints: 0,
    engine: 'postgres',
    ...changes,
    facts: {
      version: 180_004,
      databaseBytes: 100 * GIB,
      hasJit: true,
      walRate: 0,
      checkpoints: { timed: 100, requested: 0 },
      oldestTransaction: 0,
      tables: [],
      clockAhead: 0,
      backendPid: 1,
      dataDirectory: null,
      ...facts,
      settings: new Map(Object.entries(settings)),
    },
  };
}
