import type { Client } from 'pg';
import { IS_SELECTED, type LetterSelection, selected } from './dead-letter-selection.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Rows of one statement: its locks stay small. */
const BATCH = 5_000;

/**
 * Drops the letters that are there at the beginning, oldest first, at most `limit`, in batches; each is a transaction that
 * counts up `dropped` of the audit's entry. Resolves to how many went; `signal` ends it after a batch.
 */
export async function dropLetters(
  client: Client,
  names: SchemaNames,
  selection: LetterSelection,
  limit: number,
  auditId: number,
  signal: AbortSignal,
): Promise<number> {
  const { rows } = await client.query<{ id: string | null }>(
    withNames('SELECT max(dead_letter_id) AS id FROM :"internal".dead_letters', names),
  );
  const sql = withNames(
    `WITH gone AS (
       DELETE FROM :"internal".dead_letters WHERE dead_letter_id IN (
         SELECT dead_letter_id FROM :"internal".dead_letters WHERE ${IS_SELECTED} AND dead_letter_id <= $7
         ORDER BY dead_letter_id LIMIT $8 FOR UPDATE)
       RETURNING 1
     ), counted AS (SELECT count(*) AS letters FROM gone)
     UPDATE :"internal".audit
     SET counts = counts || jsonb_build_object('dropped', (counts->>'dropped')::bigint + counted.letters)
     FROM counted WHERE audit_id = $9 RETURNING counted.letters`,
    names,
  );
  for (let dropped = 0; ; ) {
    const wanted = Math.min(BATCH, limit - dropped);
    if (wanted === 0 || signal.aborted) return dropped;
    const { rows: counted } = await client.query<{ letters: string }>(sql, [
      ...selected(selection),
      rows[0]?.id ?? 0,
      wanted,
      auditId,
    ]);
    const letters = Number(counted[0]?.letters);
    dropped += letters;
    if (letters === 0) return dropped;
  }
}

/** How many there are. */
export async function countSelected(
  client: Client,
  names: SchemaNames,
  selection: LetterSelection,
): Promise<number> {
  const { rows } = await client.query<{ letters: string }>(
    withNames(`SELECT count(*) AS letters FROM :"internal".dead_letters WHERE ${IS_SELECTED}`, names),
    selected(selection),
  );
  return Number(rows[0]?.letters);
}
