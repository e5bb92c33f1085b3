import { type EngineSetting, engineOf } from '../postgres/engine-choice.ts';
import { schemaNames } from '../postgres/names.ts';
import type { OnDuplicate } from '../postgres/rows.ts';
import { withConnection } from '../postgres/session.ts';
import { type CorrectionContext, Corrections } from './corrections.ts';
import type { EngineOptions } from './engine.ts';
import { PostgresPlaces } from './postgres/corrections.ts';

export interface CorrectionOptions
  extends Pick<EngineOptions, 'url' | 'schema' | 'statementTimeout' | 'chunkInterval'>,
    Pick<CorrectionContext, 'actor' | 'deviceOf'> {
  readonly onDuplicate: OnDuplicate;
}

/**
 * Corrections over a connection of their own, by the engine that the database was migrated for; ended, and so undone, where
 * `signal` aborts. Throws `engine_mismatch`, `engine_unfit`.
 */
export async function withCorrections<T>(
  options: CorrectionOptions,
  setting: EngineSetting,
  signal: AbortSignal,
  work: (corrections: Corrections) => Promise<T>,
): Promise<T> {
  const { url, schema, statementTimeout, chunkInterval, ...context } = options;
  const names = schemaNames(schema);
  const connection = { url, statementTimeout, applicationName: 'tidegate devices' };
  return await withConnection(
    connection,
    async (client) => {
      await engineOf(client, names, setting);
      const places = new PostgresPlaces(names, chunkInterval * 1000);
      return await work(new Corrections(client, { ...context, names, places }));
    },
    signal,
  );
}
