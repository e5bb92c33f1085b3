/** An engine on a database of the test. */

import type { EngineOptions } from '../../../src/engines/engine.ts';
import { PostgresEngine } from '../../../src/engines/postgres/engine.ts';
import type { TestDatabase } from '../../support/database.ts';
import { engineOptions } from '../../support/engines.ts';

export { engineOptions, runJob } from '../../support/engines.ts';

export function openPostgres(
  database: Pick<TestDatabase, 'url'>,
  more: Partial<EngineOptions> = {},
): PostgresEngine {
  return new PostgresEngine(engineOptions(database, more));
}
