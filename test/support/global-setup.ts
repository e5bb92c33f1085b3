/** One PostgreSQL for the whole run: `node --test --test-global-setup=test/support/global-setup.ts`. */

import { startTestPostgres, type TestPostgres } from './postgres.ts';

let server: TestPostgres | null = null;

/** The test files inherit the environment. Set TIDEGATE_TEST_POSTGRES_URL yourself to test another server. */
export async function globalSetup(): Promise<void> {
  if (process.env['TIDEGATE_TEST_POSTGRES_URL'] !== undefined) return;
  server = await startTestPostgres();
  process.env['TIDEGATE_TEST_POSTGRES_URL'] = server.url;
}

export async function globalTeardown(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
}
