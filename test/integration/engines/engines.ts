/** An engine on a database of the test. */

import { PostgresEngine } from '../../../src/engines/postgres/engine.ts';
import type { EngineOptions } from '../../../src/engines/engine.ts';
import type { JobReport } from '../../../src/scheduler/types.ts';
import type { TestDatabase } from '../../support/database.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The defaults of the configuration. */
export function engineOptions(
  database: Pick<TestDatabase, 'url'>,
  more: Partial<EngineOptions> = {},
): EngineOptions {
  return {
    url: database.url,
    ownerUrl: database.url,
    schema: 'public',
    statementTimeout: 60_000,
    chunkInterval: DAY,
    levels: {
      '1min': { enabled: true, startOffset: HOUR, endOffset: MINUTE, scheduleInterval: MINUTE },
      '15min': {
        enabled: true,
        startOffset: 4 * HOUR,
        endOffset: 15 * MINUTE,
        scheduleInterval: 15 * MINUTE,
      },
      '1hour': { enabled: true, startOffset: DAY, endOffset: HOUR, scheduleInterval: HOUR },
      '1day': { enabled: true, startOffset: 30 * DAY, endOffset: DAY, scheduleInterval: DAY },
    },
    series: [],
    compression: { enabled: true, after: 7 * DAY, every: HOUR },
    retention: {
      raw: null,
      text: null,
      levels: { '1min': null, '15min': null, '1hour': null, '1day': null },
      deadLetters: null,
      queryLog: null,
      jobHistory: null,
      every: HOUR,
    },
    ...more,
  };
}

export function openPostgres(
  database: Pick<TestDatabase, 'url'>,
  more: Partial<EngineOptions> = {},
): PostgresEngine {
  return new PostgresEngine(engineOptions(database, more));
}

/** One run of a job, under the number that leads (nobody does: 0). */
export async function runJob(engine: PostgresEngine, name: string): Promise<JobReport> {
  const job = engine.jobs.find((one) => one.name === name);
  if (job === undefined) throw new Error(`no job ${name}`);
  return await job.run({ epoch: 0, signal: new AbortController().signal });
}
