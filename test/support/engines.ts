/** Every engine, on a database of the test. */

import type { Engine, EngineOptions } from '../../src/engines/engine.ts';
import { createEngine } from '../../src/engines/open.ts';
import type { EngineName } from '../../src/postgres/engine-choice.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import type { JobContext, JobReport } from '../../src/scheduler/types.ts';
import { silent } from '../unit/pipeline/ports.ts';
import { createDatabase, type TestDatabase } from './database.ts';

/** Milliseconds. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

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

/** One run of a job, under the number that leads (nobody does: 0). */
export async function runJob(
  engine: Engine,
  name: string,
  context: Partial<JobContext> = {},
): Promise<JobReport> {
  const job = engine.jobs.find((one) => one.name === name);
  if (job === undefined) throw new Error(`no job ${name}`);
  return await job.run({ epoch: 0, signal: new AbortController().signal, ...context });
}

/** A superuser's. */
const timescaleServer = process.env['TIDEGATE_TEST_TIMESCALEDB_URL'];

/** For `test(name, options, ...)`: without such a server the test is skipped, and says so. */
export const WITH_TIMESCALEDB: { readonly skip: string | false } = {
  skip:
    timescaleServer === undefined
      ? 'TIDEGATE_TEST_TIMESCALEDB_URL is not set: no TimescaleDB to test with'
      : false,
};

export interface EngineDatabaseOptions {
  readonly schema?: string;
  /** Where the extension's own objects go. Default: public. */
  readonly extensionSchema?: string;
  readonly writerRole?: string;
  readonly readerRole?: string;
  /** Whether it has the schema. Default: true. */
  readonly migrated?: boolean;
}

/** With the extension and, unless `migrated` is false, the schema. */
export async function createHypertableDatabase(options: EngineDatabaseOptions = {}): Promise<TestDatabase> {
  const database = await createDatabase(timescaleServer === undefined ? {} : { server: timescaleServer });
  const { extensionSchema = 'public' } = options;
  if (extensionSchema !== 'public') await database.query(`CREATE SCHEMA ${extensionSchema}`);
  await database.query(`CREATE EXTENSION timescaledb SCHEMA ${extensionSchema}`);
  if (options.migrated !== false) await migrated(database, 'timescaledb', options);
  // Disposing of a database on a server of the caller's own only closes it: this one stays, so drop it.
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.drop() });
}

async function migrated(
  database: TestDatabase,
  engine: EngineName,
  {
    schema = 'public',
    readerRole = null,
    writerRole = null,
  }: Partial<Record<'schema' | 'readerRole' | 'writerRole', string | null>>,
): Promise<void> {
  await migrate({
    url: database.url,
    schema: schema ?? 'public',
    readerRole,
    writerRole,
    engine,
    logger: silent,
  });
}

export interface EngineUnderTest {
  readonly name: EngineName;
  /** For `suite(name, { skip }, ...)`: why it cannot be tested here. */
  readonly skip: string | false;
  createDatabase(options?: EngineDatabaseOptions): Promise<TestDatabase>;
  open(database: Pick<TestDatabase, 'url'>, more?: Partial<EngineOptions>): Engine;
}

/** What the contract is tested with. */
export const ENGINES: readonly EngineUnderTest[] = [
  {
    name: 'postgres',
    skip: false,
    createDatabase: async (options = {}) => {
      const plain = Object.keys(options).length === 0;
      const database = await createDatabase({ template: plain });
      if (!plain && options.migrated !== false) await migrated(database, 'postgres', options);
      return database;
    },
    open: (database, more) => createEngine(engineOptions(database, more), 'postgres'),
  },
  {
    name: 'timescaledb',
    skip: await unavailable(),
    createDatabase: createHypertableDatabase,
    open: (database, more) => createEngine(engineOptions(database, more), 'timescaledb'),
  },
];

async function unavailable(): Promise<string | false> {
  if (WITH_TIMESCALEDB.skip !== false) return WITH_TIMESCALEDB.skip;
  const database = await createDatabase({ server: timescaleServer as string });
  const found = await database.query(`SELECT FROM pg_available_extensions WHERE name = 'timescaledb'`);
  await database.drop();
  return found.length > 0
    ? false
    : 'the server of TIDEGATE_TEST_TIMESCALEDB_URL has no extension timescaledb';
}
