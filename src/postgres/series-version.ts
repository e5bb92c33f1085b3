/**
 * An expression: the version, as text, of series, their statistics and names, and of what was in the journal: within one statement
 * or snapshot, all of them are as whoever saw the same version saw them, but for batches that came to the journal.
 */
export const SERIES_VERSION = `(SELECT count(*) || ' ' || coalesce(bit_xor(hashint8extended(change_id, 0)), 0)
  FROM :"internal".series_changes)`;

/** Part of the fold, which changes the version anyway: takes away what need not be told apart any more. */
export const FORGET_CHANGES = `DELETE FROM :"internal".series_changes WHERE changed_at < now() - interval '1 minute'`;
