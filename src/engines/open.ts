import { type EngineName, engineOf, type EngineSetting } from '../postgres/engine-choice.ts';
import { schemaNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { PostgresEngine } from './postgres/engine.ts';
import { TimescaleEngine } from './timescaledb/engine.ts';

export function createEngine(options: EngineOptions, name: EngineName): Engine {
  return name === 'timescaledb' ? new TimescaleEngine(options) : new PostgresEngine(options);
}

/** The engine that the database was migrated for. Throws `engine_mismatch`, `engine_unfit`. */
export async function openEngine(options: EngineOptions, setting: EngineSetting): Promise<Engine> {
  const { url, schema, statementTimeout } = options;
  const connection = { url, statementTimeout, applicationName: 'tidegate engine' };
  return createEngine(
    options,
    await withConnection(connection, (client) => engineOf(client, schemaNames(schema), setting)),
  );
}
