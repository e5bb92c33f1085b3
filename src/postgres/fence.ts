import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** Thrown inside a job whose leader was replaced: its work is rolled back, the new leader goes on. */
export class LeaderReplaced extends Error {
  override readonly name = 'LeaderReplaced';
}

/** Milliseconds that a job waits for a lock, for its own row first of all: it comes again. */
const LOCK_TIMEOUT = 2_000;

/**
 * One transaction of a job, READ COMMITTED: locks the job's row, so that no two processes do one job at once, and
 * compares the leader's number under that lock. Commits after `work`, rolls back where it throws.
 */
export async function fenced<T>(
  client: Client,
  names: SchemaNames,
  job: string,
  epoch: number,
  work: () => Promise<T>,
): Promise<T> {
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = ${LOCK_TIMEOUT}`);
  try {
    await client.query(withNames('SELECT FROM :"internal".jobs WHERE name = $1 FOR UPDATE', names), [job]);
    const { rows } = await client.query<{ epoch: string }>(
      withNames('SELECT epoch FROM :"internal".scheduler', names),
    );
    if (Number(rows[0]?.epoch) !== epoch)
      throw new LeaderReplaced(`another process leads since epoch ${epoch}`);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
