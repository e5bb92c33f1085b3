import type { Terminal } from './terminal.ts';

/** The environment for a command that does not ask the database: its URL need not be there then. */
export function databaseOptional(env: Terminal['env']): Terminal['env'] {
  return { ...env, TIDEGATE_DATABASE_URL: env['TIDEGATE_DATABASE_URL'] || 'postgres://localhost/' };
}
