/** One PostgreSQL and one build of the program for the whole run: `node --test --test-global-setup=test/support/global-setup.ts`. */

import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { buildProgram } from './built-program.ts';
import { startTestPostgres, type TestPostgres } from './postgres.ts';

/**
 * Nobody stops this server, and what is tested with it is not what the disk keeps: it need not wait for it. Servers that tests
 * start, stop and kill do.
 */
const UNSYNCED = { fsync: 'off', full_page_writes: 'off' };

let server: TestPostgres | null = null;

/** The test files inherit the environment. Set TIDEGATE_TEST_POSTGRES_URL yourself to test another server. */
export async function globalSetup(): Promise<void> {
  // Hundreds of processes load the same modules: compiled once, each starts in two thirds of the time.
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), `tidegate-test-modules-${userInfo().uid}`);
  process.env['TIDEGATE_TEST_PROGRAM'] = await buildProgram();
  if (process.env['TIDEGATE_TEST_POSTGRES_URL'] !== undefined) return;
  server = await startTestPostgres(UNSYNCED);
  process.env['TIDEGATE_TEST_POSTGRES_URL'] = server.url;
}

export async function globalTeardown(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
}
