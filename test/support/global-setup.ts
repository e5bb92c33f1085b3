/**
 * One PostgreSQL, one build of the program and the files of further servers for the whole run:
 * `node --test --test-global-setup=test/support/global-setup.ts`.
 */

import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { buildProgram } from './built-program.ts';
import { migratedTemplate } from './database.ts';
import { createCluster, startQuickPostgres } from './postgres.ts';

const made = new AsyncDisposableStack();

/** The test files inherit the environment. Set TIDEGATE_TEST_POSTGRES_URL yourself to test another server. */
export async function globalSetup(): Promise<void> {
  // Hundreds of processes load the same modules: compiled once, each starts in two thirds of the time.
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), `tidegate-test-modules-${userInfo().uid}`);
  const [program, cluster] = await Promise.all([buildProgram(), createCluster(migratedTemplate)]);
  made.use(cluster);
  process.env['TIDEGATE_TEST_PROGRAM'] = program;
  process.env['TIDEGATE_TEST_CLUSTER'] = cluster.path;
  if (process.env['TIDEGATE_TEST_POSTGRES_URL'] !== undefined) return;
  process.env['TIDEGATE_TEST_POSTGRES_URL'] = made.use(await startQuickPostgres()).url;
}

export async function globalTeardown(): Promise<void> {
  await made.disposeAsync();
}
