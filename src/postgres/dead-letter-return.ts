import type { Client } from 'pg';
import type { Batch } from '../pipeline/types.ts';
import type { ReturnedLetter } from './dead-letter-pages.ts';
import { pointsOfMessages, storableText } from './dead-letter-rows.ts';
import type { DeadLetterKeeper } from './dead-letter-store.ts';
import { type SchemaNames, withNames } from './names.ts';
import { sqlstateOf } from './sqlstate.ts';

/** Others replay or drop some of the letters of a batch, or have done so; these are the ones that are left. */
export class LettersTaken extends Error {
  readonly left: ReadonlySet<number>;

  constructor(left: ReadonlySet<number>) {
    super('some of the dead letters are replayed or dropped by others');
    this.left = left;
  }
}

/** Milliseconds to wait for letters that another transaction has in hand: about as long as a batch takes. */
const PATIENCE = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';

interface Claimed {
  readonly dead_letter_id: string;
  readonly stored: number | null;
}

/**
 * For batches of `ReturnedLetter`s: what is stored goes from dead_letters in the same transaction, what fails again stays
 * as the row that it is, with its reason of today. So two replays at once store no letter twice, and one that is killed
 * leaves each letter either there or stored.
 */
export class LettersReturned implements DeadLetterKeeper {
  readonly #auditId: number;
  readonly #claim: string;
  readonly #remove: string;
  readonly #again: string;
  readonly #lookAnew: string;
  readonly #count: string;

  /** `auditId`: the entry of the audit whose `replayed` and `failed` are counted up. */
  constructor(names: SchemaNames, auditId: number) {
    this.#auditId = auditId;
    this.#claim = withNames(
      `SELECT dead_letter_id, stored FROM :"internal".dead_letters WHERE dead_letter_id = ANY ($1::bigint[])
       ORDER BY dead_letter_id FOR UPDATE`,
      names,
    );
    this.#remove = withNames(
      `DELETE FROM :"internal".dead_letters WHERE dead_letter_id = ANY ($1::bigint[])`,
      names,
    );
    // What was stored stays known also where today's routes find nothing to store.
    this.#again = withNames(
      `UPDATE :"internal".dead_letters d SET route = n.route, code = n.code, detail = n.detail, points = n.points,
         stored = CASE WHEN n.stored > 0 THEN greatest(d.stored, n.stored) ELSE d.stored END
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[])
         AS n (id, route, code, detail, points, stored)
       WHERE d.dead_letter_id = n.id`,
      names,
    );
    // A text of a time gone by may be the latest of its series: writers that know another one look it up anew.
    this.#lookAnew = withNames('UPDATE :"internal".chunk_map SET series_version = series_version + 1', names);
    this.#count = withNames(
      `UPDATE :"internal".audit SET counts = counts || jsonb_build_object(
         'replayed', (counts->>'replayed')::bigint + $2::bigint, 'failed', (counts->>'failed')::bigint + $3::bigint)
       WHERE audit_id = $1`,
      names,
    );
  }

  /** Throws LettersTaken. */
  async begin(client: Client, batch: Batch): Promise<void> {
    const letters = lettersOf(batch);
    const ids = letters.map(({ letterId }) => letterId);
    const { rows } = await client.query<Claimed>(`${this.#claim} SKIP LOCKED`, [ids]);
    const claimed = new Map(rows.map(({ dead_letter_id: id, stored }) => [Number(id), stored]));
    const missing = ids.filter((id) => !claimed.has(id));
    // Perhaps a connection of this replay, which broke a moment ago, has them still.
    for (const row of missing.length === 0 ? [] : await this.#waitFor(client, missing))
      claimed.set(Number(row.dead_letter_id), row.stored);
    // Of a letter that failed again meanwhile, more may be stored than was known when it was read.
    const left = letters.filter(({ letterId, stored }) => claimed.get(letterId) === stored);
    if (left.length < letters.length) throw new LettersTaken(new Set(left.map(({ letterId }) => letterId)));
  }

  /** None where they are not given up soon: the transaction is lost then. */
  async #waitFor(client: Client, ids: readonly number[]): Promise<Claimed[]> {
    await client.query(`SET LOCAL lock_timeout = ${PATIENCE}`);
    try {
      const { rows } = await client.query<Claimed>(this.#claim, [ids]);
      await client.query('SET LOCAL lock_timeout TO DEFAULT');
      return rows;
    } catch (error) {
      if (sqlstateOf(error) === LOCK_NOT_AVAILABLE) return [];
      throw error;
    }
  }

  async keep(client: Client, batch: Batch): Promise<void> {
    const letters = lettersOf(batch);
    const failed = batch.deadLetters;
    const again = new Set(failed.map(({ messageIndex }) => messageIndex));
    const gone = letters.filter((_, index) => !again.has(index)).map(({ letterId }) => letterId);
    if (gone.length > 0) await client.query(this.#remove, [gone]);
    if (failed.length > 0) {
      const stored = pointsOfMessages(batch);
      await client.query(this.#again, [
        failed.map(({ messageIndex }) => letters[messageIndex]?.letterId),
        failed.map(({ route }) => (route === null ? null : storableText(route))),
        failed.map(({ code }) => code),
        failed.map(({ detail }) => storableText(detail)),
        failed.map(({ points }) => points),
        failed.map(({ messageIndex }) => stored.get(messageIndex)),
      ]);
    }
    await client.query(this.#count, [this.#auditId, gone.length, failed.length]);
    if (batch.texts.length > 0) await client.query(this.#lookAnew);
  }
}

function lettersOf(batch: Batch): readonly ReturnedLetter[] {
  return batch.deliveries as readonly ReturnedLetter[];
}
