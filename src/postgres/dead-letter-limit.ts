import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** What a row costs beside its texts and its payload, roughly, in bytes. */
export const LETTER_OVERHEAD = 200;
/** Of a row; the server knows lengths without reading what is stored aside. */
const SIZE = `octet_length(payload) + octet_length(topic) + octet_length(detail) + ${LETTER_OVERHEAD}::bigint`;
/** Rows of one statement. */
const BATCH = 2_000;
/** Milliseconds after which everything is counted anew: rows that others delete are not noticed else. */
const RECOUNT = 3_600_000;

export interface LetterLimitReport {
  /** That dead letters take now. */
  readonly bytes: number;
  /** That went. */
  readonly letters: number;
  readonly freed: number;
}

/** Keeps dead letters below a number of bytes: the oldest go. A look costs the rows that came since the one before. */
export class DeadLetterLimit {
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #names: SchemaNames;
  readonly #trim: string;
  #bytes = 0;
  #newest = '0';
  #countedAt = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds, monotonic. */
  constructor(names: SchemaNames, maxBytes: number, now: () => number) {
    this.#names = names;
    this.#maxBytes = maxBytes;
    this.#now = now;
    // Rows that a replay has in hand are left to it; another daemon that is at it, to that one.
    this.#trim = withNames(
      `WITH mine AS MATERIALIZED (
         SELECT pg_try_advisory_xact_lock(hashtextextended('tidegate dead letters of ' || :'internal', 0)) AS locked
       ), oldest AS MATERIALIZED (
         SELECT dead_letter_id, received_at, ${SIZE} AS size FROM :"internal".dead_letters, mine WHERE mine.locked
         ORDER BY received_at, dead_letter_id LIMIT ${BATCH} FOR UPDATE OF dead_letters SKIP LOCKED
       ), counted AS (
         SELECT dead_letter_id, size, sum(size) OVER (ORDER BY received_at, dead_letter_id) - size AS before FROM oldest
       ), gone AS (
         DELETE FROM :"internal".dead_letters d USING counted c
         WHERE d.dead_letter_id = c.dead_letter_id AND c.before < $1 RETURNING c.size
       )
       SELECT count(*) AS letters, coalesce(sum(size), 0) AS freed FROM gone`,
      names,
    );
  }

  /** Where it is more, down to nine tenths: not a few rows at every look. */
  async enforce(client: Client): Promise<LetterLimitReport> {
    await this.#count(client, this.#now() - this.#countedAt >= RECOUNT);
    if (this.#bytes > this.#maxBytes) await this.#count(client, true);
    const wanted = this.#bytes > this.#maxBytes ? this.#maxBytes * 0.9 : this.#maxBytes;
    let letters = 0;
    let freed = 0;
    while (this.#bytes > wanted) {
      const { rows } = await client.query<{ letters: string; freed: string }>(this.#trim, [
        Math.ceil(this.#bytes - wanted),
      ]);
      const [row] = rows;
      if (row === undefined || Number(row.letters) === 0) break;
      letters += Number(row.letters);
      freed += Number(row.freed);
      this.#bytes -= Number(row.freed);
    }
    return { bytes: this.#bytes, letters, freed };
  }

  async #count(client: Client, anew: boolean): Promise<void> {
    const { rows } = await client.query<{ bytes: string; newest: string }>(
      withNames(
        `SELECT coalesce(sum(${SIZE}), 0) AS bytes, coalesce(max(dead_letter_id), $1) AS newest
         FROM :"internal".dead_letters WHERE dead_letter_id > $1::bigint`,
        this.#names,
      ),
      [anew ? '0' : this.#newest],
    );
    const [row] = rows;
    this.#bytes = (anew ? 0 : this.#bytes) + Number(row?.bytes);
    this.#newest = row?.newest ?? '0';
    if (anew) this.#countedAt = this.#now();
  }
}
