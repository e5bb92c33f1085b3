import { TidegateError } from '../errors.ts';
import { type EngineSetting, engineOf } from '../postgres/engine-choice.ts';
import { schemaNames } from '../postgres/names.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';
import type { OnDuplicate } from '../postgres/rows.ts';
import { withConnection } from '../postgres/session.ts';
import { type CorrectionContext, Corrections } from './corrections.ts';
import type { EngineOptions } from './engine.ts';
import { PostgresPlaces } from './postgres/corrections.ts';
import { TimescalePlaces } from './timescaledb/corrections.ts';

export interface CorrectionOptions
  extends Pick<EngineOptions, 'url' | 'ownerUrl' | 'schema' | 'statementTimeout'>,
    Pick<CorrectionContext, 'actor' | 'deviceOf'> {
  readonly onDuplicate: OnDuplicate;
}

/**
 * Corrections over a connection of their own, by the engine that the database was migrated for; ended, and so undone, where
 * `signal` aborts. Throws `engine_mismatch`, `engine_unfit`, `correction_failed`.
 */
export async function withCorrections<T>(
  options: CorrectionOptions,
  setting: EngineSetting,
  signal: AbortSignal,
  work: (corrections: Corrections) => Promise<T>,
): Promise<T> {
  const { url, ownerUrl, schema, statementTimeout, ...context } = options;
  const names = schemaNames(schema);
  const connection = { url, statementTimeout, applicationName: 'tidegate devices' };
  const engine = await withConnection(connection, (client) => engineOf(client, names, setting), signal);
  const isTimescale = engine === 'timescaledb';
  const places = isTimescale ? new TimescalePlaces(names) : new PostgresPlaces(names);
  try {
    return await withConnection(
      // The rows of TimescaleDB's aggregates are their owner's to change.
      { ...connection, url: isTimescale ? ownerUrl : url },
      (client) => work(new Corrections(client, { ...context, names, places })),
      signal,
    );
  } catch (error) {
    if (error instanceof TidegateError || !(signal.aborted || sqlstateOf(error) !== null)) throw error;
    const detail = signal.aborted ? 'it was stopped' : (error as Error).message;
    throw new TidegateError('correction_failed', detail, { cause: error });
  }
}
