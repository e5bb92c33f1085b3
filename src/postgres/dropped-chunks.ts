import { type Client, DatabaseError } from 'pg';
import { WriteError } from '../errors.ts';
import { type SchemaNames, withNames } from './names.ts';

const CHECK_VIOLATION = '23514';

/** A row for which the map has a chunk and the server no partition; a constraint of somebody's own has a name. */
function isUnrouted(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === CHECK_VIOLATION && error.constraint === undefined;
}

/**
 * Takes chunks whose tables somebody dropped out of the map: the next batch opens new ones. Throws a WriteError to retry
 * where there were any, or another writer took them out since the map was of the `version` that failed with `error`; rolls
 * back the transaction in any case that comes in question.
 */
export async function forgetDropped(
  client: Client,
  names: SchemaNames,
  version: number,
  error: unknown,
): Promise<void> {
  if (!isUnrouted(error)) return;
  await client.query('ROLLBACK');
  await client.query(withNames('BEGIN; SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names));
  const { rows } = await client.query<{ leaf: string | null; version: string }>(
    withNames(
      `WITH gone AS (
         DELETE FROM :"internal".chunks
         WHERE source IN ('points', 'texts') AND state = 'open'
           AND to_regclass(format('%I.%I', :'internal', leaf)) IS NULL
         RETURNING leaf),
       moved AS (UPDATE :"internal".chunk_map SET version = version + 1 WHERE EXISTS (SELECT FROM gone))
       SELECT leaf, version FROM :"internal".chunk_map LEFT JOIN gone ON true ORDER BY leaf`,
      names,
    ),
  );
  await client.query('COMMIT');
  const leaves = rows.flatMap(({ leaf }) => (leaf === null ? [] : [`${names.internal}.${leaf}`])).join(', ');
  if (leaves === '' && Number(rows[0]?.version) === version) return;
  const what =
    leaves === ''
      ? 'the chunks changed meanwhile'
      : `somebody dropped ${leaves}, and the points in it; a new one takes its place. To delete old points set policies.retention`;
  throw new WriteError('retry', CHECK_VIOLATION, what, { cause: error });
}
