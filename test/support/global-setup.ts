/**
 * One PostgreSQL, one build of the program and the files of further servers for the whole run:
 * `node --test --test-global-setup=test/support/global-setup.ts`.
 */

import { readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { buildProgram } from './built-program.ts';
import { migratedTemplate } from './database.ts';
import { createCluster, startQuickPostgres } from './postgres.ts';

/** Files: a hundred megabytes, those of several runs. */
const COMPILED = 20_000;

const made = new AsyncDisposableStack();

/** The test files inherit the environment. Set TIDEGATE_TEST_POSTGRES_URL yourself to test another server. */
export async function globalSetup(): Promise<void> {
  // Hundreds of processes load the same modules: compiled once, each starts in two thirds of the time.
  process.env['NODE_COMPILE_CACHE'] ??= await compileCache();
  const [program, cluster] = await Promise.all([buildProgram(), createCluster(migratedTemplate)]);
  made.use(cluster);
  process.env['TIDEGATE_TEST_PROGRAM'] = program;
  process.env['TIDEGATE_TEST_CLUSTER'] = cluster.path;
  if (process.env['TIDEGATE_TEST_POSTGRES_URL'] !== undefined) return;
  process.env['TIDEGATE_TEST_POSTGRES_URL'] = made.use(await startQuickPostgres()).url;
}

/** Node removes nothing of it, and every module that was changed is there anew: begun again once it is large. */
async function compileCache(): Promise<string> {
  const folder = join(tmpdir(), `tidegate-test-modules-${userInfo().uid}`);
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  if (files.length > COMPILED) await rm(folder, { recursive: true, force: true });
  return folder;
}

export async function globalTeardown(): Promise<void> {
  await made.disposeAsync();
}
