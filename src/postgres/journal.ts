import type { Client } from 'pg';
import type { BatchTotals } from '../pipeline/types.ts';
import { float8Array, int8Array, timestamptzArray } from './binary.ts';
import { FORGET_DETAIL, foldSql } from './journal-fold.ts';
import { IS_FOLLOWED } from './journal-arrivals.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { SeriesGains } from './series-gains.ts';
import type { SeriesRepeat } from './series-repeats.ts';

/** A batch as its row of the journal has it. */
export interface JournalEntry {
  readonly batchId: string;
  /** Null: it never lay in a spool. */
  readonly spoolRecord: string | null;
  readonly totals: BatchTotals;
  readonly gains: SeriesGains;
  readonly repeats: readonly SeriesRepeat[];
}

export interface TotalsRow {
  readonly messages_settled: string;
  readonly messages_ignored: string;
  readonly messages_dead_lettered: string;
  readonly messages_dropped: string;
  readonly points_decoded: string;
  readonly points_stored: string;
  readonly points_duplicate: string;
  readonly points_conflict: string;
  readonly points_dead_lettered: string;
  readonly points_dropped: string;
}

export const COUNTS = [
  'messages_settled',
  'messages_ignored',
  'messages_dead_lettered',
  'messages_dropped',
  'points_decoded',
  'points_stored',
  'points_duplicate',
  'points_conflict',
  'points_dead_lettered',
  'points_dropped',
] as const;

/** The journal of batches: written with each, folded every few seconds, asked after a COMMIT without an answer. */
export class Journal {
  /** The statement whose parameters are `row`. */
  readonly insert: string;
  readonly #names: SchemaNames;
  readonly #clientId: string;
  readonly #alongside: string;
  readonly #foldAfter: number;
  readonly #foldable: string;
  readonly #fold: string;

  /** `foldAfter`: milliseconds that a row stays at least where anybody follows the journal. */
  constructor(names: SchemaNames, clientId: string, foldAfter = 0) {
    this.#names = names;
    this.#clientId = clientId;
    this.#foldAfter = foldAfter;
    this.insert = withNames(
      `INSERT INTO :"internal".batches (batch_id, client_id, ${COUNTS.join(', ')},
         series_ids, series_points, first_times, last_times, last_values,
         repeated_ids, repeated_duplicates, repeated_conflicts, spool_record)
       VALUES ($1, $2, ${COUNTS.map((_, index) => `$${index + 3}`).join(', ')}, $13, $14::bigint[]::integer[], $15, $16, $17,
         $18, $19::bigint[]::integer[], $20::bigint[]::integer[], $21)`,
      names,
    );
    this.#alongside = withNames(
      `INSERT INTO :"internal".batches (batch_id, client_id, ${COUNTS.join(', ')},
         series_ids, series_points, first_times, last_times, last_values, spool_record)
       SELECT id, $2, ${COUNTS.map(() => '0').join(', ')}, '{}', '{}', '{}', '{}', '{}', id FROM unnest($1::uuid[]) AS u (id)`,
      names,
    );
    this.#foldable = withNames(
      `SELECT batch_id, spool_record FROM :"internal".batches
       WHERE client_id = $1 AND (committed_at <= clock_timestamp() - $2 * interval '1 millisecond'
         OR NOT ${IS_FOLLOWED})`,
      names,
    );
    this.#fold = withNames(foldSql(COUNTS), names);
  }

  /** Part of the batch's transaction. A second row of one batch is refused by the key (23505, `batches_pkey`). */
  async record(client: Client, entry: JournalEntry): Promise<void> {
    await client.query({ name: 'tidegate-journal', text: this.insert, values: this.row(entry) });
  }

  /** The parameters of `insert`. */
  row({ batchId, spoolRecord, totals, gains, repeats }: JournalEntry): unknown[] {
    const { messages, points } = totals;
    return [
      batchId,
      this.#clientId,
      messages.settled,
      messages.ignored,
      messages.dead_lettered,
      messages.dropped,
      points.decoded,
      points.stored,
      points.duplicate,
      points.conflict,
      points.dead_lettered,
      points.dropped,
      int8Array(gains.seriesId),
      int8Array(gains.points),
      timestamptzArray(gains.firstTime),
      timestamptzArray(gains.lastTime),
      float8Array(gains.lastValue),
      int8Array(repeats.map(({ seriesId }) => seriesId)),
      int8Array(repeats.map(({ duplicate }) => duplicate)),
      int8Array(repeats.map(({ conflict }) => conflict)),
      spoolRecord,
    ];
  }

  /** Part of the batch's transaction: of records of the spool whose counts are in another one's row. */
  async recordAlongside(client: Client, records: readonly string[]): Promise<void> {
    await client.query(this.#alongside, [records, this.#clientId]);
  }

  /** Whether a batch was committed: its totals by its id. */
  async find(client: Client, batchId: string): Promise<ReadonlyMap<string, BatchTotals>> {
    return await this.#committed(client, 'batch_id = $1', batchId);
  }

  /** What was committed of records of the spool: totals by the ids of batches. */
  async ofRecords(client: Client, records: readonly string[]): Promise<ReadonlyMap<string, BatchTotals>> {
    return await this.#committed(client, 'spool_record = ANY ($1::uuid[])', records);
  }

  async #committed(
    client: Client,
    which: string,
    value: string | readonly string[],
  ): Promise<ReadonlyMap<string, BatchTotals>> {
    const { rows } = await client.query<TotalsRow & { readonly batch_id: string }>(
      withNames(`SELECT batch_id, ${COUNTS.join(', ')} FROM :"internal".batches WHERE ${which}`, this.#names),
      [value],
    );
    return new Map(rows.map((row) => [row.batch_id, totalsFrom(row)]));
  }

  /**
   * Moves rows into the totals and the statistics of series: this daemon's, and what others without a spool left a day ago.
   * `isSettled` is asked once a row is seen: a batch that is committed then and not settled may still be looked up, so its
   * row stays.
   */
  async fold(
    client: Client,
    isSettled: (batchId: string, spoolRecord: string | null) => boolean,
  ): Promise<void> {
    const { rows } = await client.query<{ batch_id: string; spool_record: string | null }>(this.#foldable, [
      this.#clientId,
      this.#foldAfter,
    ]);
    const settled = rows.filter((row) => isSettled(row.batch_id, row.spool_record));
    await client.query(this.#fold, [settled.map((row) => row.batch_id), this.#clientId]);
    await client.query(withNames(FORGET_DETAIL, this.#names));
  }

  /** What this client id committed in all its lives, since when (ISO 8601), and the batches of it that are not folded. */
  async totals(client: Client): Promise<{ since: string; totals: BatchTotals; batchIds: readonly string[] }> {
    await client.query(
      withNames(
        `INSERT INTO :"internal".ingest_totals (client_id) VALUES ($1) ON CONFLICT DO NOTHING`,
        this.#names,
      ),
      [this.#clientId],
    );
    const { rows } = await client.query<TotalsRow & { since: Date; batch_ids: readonly string[] }>(
      withNames(
        `SELECT t.since, ${COUNTS.map((count) => `t.${count} + coalesce(sum(b.${count}), 0) AS ${count}`).join(', ')},
           array_remove(array_agg(b.batch_id), NULL)::text[] AS batch_ids
         FROM :"internal".ingest_totals t LEFT JOIN :"internal".batches b USING (client_id)
         WHERE t.client_id = $1 GROUP BY t.client_id`,
        this.#names,
      ),
      [this.#clientId],
    );
    const row = rows[0] as (typeof rows)[0];
    return { since: row.since.toISOString(), totals: totalsFrom(row), batchIds: row.batch_ids };
  }
}

export function totalsFrom(row: TotalsRow): BatchTotals {
  return {
    messages: {
      settled: Number(row.messages_settled),
      ignored: Number(row.messages_ignored),
      dead_lettered: Number(row.messages_dead_lettered),
      dropped: Number(row.messages_dropped),
    },
    points: {
      decoded: Number(row.points_decoded),
      stored: Number(row.points_stored),
      duplicate: Number(row.points_duplicate),
      conflict: Number(row.points_conflict),
      dead_lettered: Number(row.points_dead_lettered),
      dropped: Number(row.points_dropped),
    },
  };
}
