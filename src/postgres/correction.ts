import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';
import { sqlstateOf } from './sqlstate.ts';

/** Jobs that move points or compute from them. */
const JOBS = ['compression', 'aggregates', 'retention'];

/** PostgreSQL manual, appendix A. */
const DEADLOCK = '40P01';
const ATTEMPTS = 5;

/**
 * One correction by hand: all of it or nothing. While it is under way writers wait at the map's lock, and jobs at their
 * rows: these first, because a job takes the map's lock under its own row. Whoever folds the journal has ended before the
 * statistics are computed. Afterwards every writer looks its series up anew. Whom the server ends for a deadlock, as with
 * TimescaleDB's own jobs, begins anew: `work` may be called several times.
 */
export async function corrected<T>(client: Client, names: SchemaNames, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attempted(client, names, work);
    } catch (error) {
      if (sqlstateOf(error) !== DEADLOCK || attempt === ATTEMPTS) throw error;
    }
  }
}

async function attempted<T>(client: Client, names: SchemaNames, work: () => Promise<T>): Promise<T> {
  const query = async (sql: string, parameters: readonly unknown[] = []) =>
    await client.query(withNames(sql, names), [...parameters]);
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await client.query('SET LOCAL statement_timeout = 0');
    for (const job of JOBS) await query('SELECT FROM :"internal".jobs WHERE name = $1 FOR UPDATE', [job]);
    await query('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())');
    await query('LOCK TABLE :"internal".batches IN SHARE ROW EXCLUSIVE MODE');
    const result = await work();
    await query('UPDATE :"internal".chunk_map SET series_version = series_version + 1');
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** One look at everything, as of one moment. Waits for nobody and changes nothing. */
export async function looked<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

/**
 * Part of the correction's transaction. `actor` is who does it on this machine; the role of the database is added. Resolves
 * to the entry's audit_id.
 */
export async function recordCorrection(
  client: Client,
  names: SchemaNames,
  entry: {
    readonly actor: string;
    readonly action: string;
    readonly subject: Readonly<Record<string, string | null>>;
    readonly counts: Readonly<Record<string, number>>;
  },
): Promise<number> {
  const { rows } = await client.query<{ audit_id: string }>(
    withNames(
      `INSERT INTO :"internal".audit (actor, action, subject, counts)
       VALUES ($1 || ' as ' || session_user, $2, $3, $4) RETURNING audit_id`,
      names,
    ),
    [entry.actor, entry.action, JSON.stringify(entry.subject), JSON.stringify(entry.counts)],
  );
  return Number(rows[0]?.audit_id);
}
