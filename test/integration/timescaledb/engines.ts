/** The engine on a database of a test, with the configuration's defaults. */

import type { EngineOptions, LevelName } from '../../../src/engines/engine.ts';
import { TimescaleEngine } from '../../../src/engines/timescaledb/engine.ts';
import type { JobReport } from '../../../src/scheduler/types.ts';
import type { TestDatabase } from '../../support/database.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const LEVELS: EngineOptions['levels'] = {
  '1min': { enabled: true, startOffset: HOUR, endOffset: MINUTE, scheduleInterval: MINUTE },
  '15min': { enabled: true, startOffset: 4 * HOUR, endOffset: 15 * MINUTE, scheduleInterval: 15 * MINUTE },
  '1hour': { enabled: true, startOffset: DAY, endOffset: HOUR, scheduleInterval: HOUR },
  '1day': { enabled: true, startOffset: 30 * DAY, endOffset: DAY, scheduleInterval: DAY },
};

export const RETENTION: EngineOptions['retention'] = {
  raw: null,
  text: null,
  levels: { '1min': null, '15min': null, '1hour': null, '1day': null },
  deadLetters: null,
  queryLog: null,
  jobHistory: null,
  every: HOUR,
};

export function openEngine(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<EngineOptions> = {},
): TimescaleEngine {
  return new TimescaleEngine({
    url: database.url,
    ownerUrl: database.url,
    schema: 'public',
    statementTimeout: 30_000,
    chunkInterval: DAY,
    levels: LEVELS,
    series: [],
    compression: { enabled: true, after: 7 * DAY, every: HOUR },
    retention: RETENTION,
    ...options,
  });
}

/** As the first leader, which the schema starts with, would. */
export async function runJob(engine: TimescaleEngine, name: string, epoch = 0): Promise<JobReport> {
  const job = engine.jobs.find((candidate) => candidate.name === name);
  if (job === undefined) throw new Error(`no job ${name}`);
  return await job.run({ epoch, signal: new AbortController().signal });
}

export function withoutLevels(...names: LevelName[]): EngineOptions['levels'] {
  const levels = { ...LEVELS };
  for (const name of names) levels[name] = { ...levels[name], enabled: false };
  return levels;
}
