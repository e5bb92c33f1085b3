/** The engine on a database of a test, with the configuration's defaults. */

import type { EngineOptions, LevelName } from '../../../src/engines/engine.ts';
import { TimescaleEngine } from '../../../src/engines/timescaledb/engine.ts';
import type { TestDatabase } from '../../support/database.ts';
import { engineOptions } from '../../support/engines.ts';

export { DAY, HOUR, MINUTE, runJob } from '../../support/engines.ts';

export const { levels: LEVELS, retention: RETENTION } = engineOptions({ url: '' });

export function openEngine(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<EngineOptions> = {},
): TimescaleEngine {
  return new TimescaleEngine(engineOptions(database, options));
}

export function withoutLevels(...names: LevelName[]): EngineOptions['levels'] {
  const levels = { ...LEVELS };
  for (const name of names) levels[name] = { ...levels[name], enabled: false };
  return levels;
}
