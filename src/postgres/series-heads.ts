import type { Client } from 'pg';
import { int8Array, timestamptzArray } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';
import { SeriesSet } from './series-set.ts';

/** Segments that a batch may write of one series. Times in microseconds since 1970. */
export interface PlannedSegments {
  readonly seriesId: number;
  readonly first: number;
  readonly last: number;
  /** How many of them are worth merging. */
  readonly small: number;
}

/**
 * The series that have segments which batches wrote, in chunks that may be open: `series_heads`. Which they are is as sure
 * as the map of chunks, whose version grows with them; it is read anew with that.
 */
export class SeriesHeads {
  readonly #news: string;
  readonly #open: string;
  readonly #share: string;
  readonly #raise: string;
  #known = new SeriesSet();
  #version = -1;
  readonly #onRestored: () => void;

  /** `onRestored`: the database is one from before what was seen of it. */
  constructor(names: SchemaNames, onRestored: () => void = () => {}) {
    this.#onRestored = onRestored;
    this.#news = withNames('SELECT series_id FROM :"internal".series_heads WHERE map_version > $1', names);
    this.#open = withNames('SELECT :"internal".open_heads($1::bigint[])', names);
    const heads = `SELECT series_id, mark FROM :"internal".series_heads WHERE series_id = ANY ($1::bigint[]) ORDER BY series_id`;
    const marks = 'SELECT series_id, extract(epoch FROM mark) * 1000000 AS mark FROM locked';
    this.#share = withNames(`WITH locked AS MATERIALIZED (${heads} FOR SHARE) ${marks}`, names);
    this.#raise = withNames(
      `WITH locked AS MATERIALIZED (${heads} FOR NO KEY UPDATE), raised AS (
         UPDATE :"internal".series_heads h
         SET mark = i.last, small = h.small + i.small,
           small_from = coalesce(h.small_from, CASE WHEN i.small > 0 THEN i.first END)
         FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]) AS i (series_id, first, last, small)
         JOIN locked l USING (series_id)
         WHERE h.series_id = i.series_id AND i.last > l.mark
       ) ${marks}`,
      names,
    );
  }

  /** Within a transaction that has compared the map's version: whether the series has a head. */
  has(seriesId: number): boolean {
    return this.#known.has(seriesId);
  }

  /** `version`: what the map had before this is called. */
  async reload(client: Client, version: number): Promise<void> {
    if (version < this.#version) {
      // From a backup: it may give its versions anew.
      this.#version = -1;
      this.#known = new SeriesSet();
      this.#onRestored();
    }
    const { rows } = await client.query<{ series_id: string }>(this.#news, [this.#version]);
    for (const { series_id: id } of rows) this.#known.add(Number(id));
    this.#version = version;
  }

  /** Gives series their heads, outside of a transaction: writers that are under way end first. */
  async open(client: Client, series: readonly number[]): Promise<void> {
    await client.query(this.#open, [int8Array(series)]);
  }

  /**
   * Locks heads until the transaction ends: alone where segments may be written, whose marks it moves on at once, else
   * beside others that write rows only. Resolves to the marks as they were, microseconds since 1970, by series; those of
   * series that were deleted meanwhile are not among them.
   */
  async lock(
    client: Client,
    series: readonly number[],
    planned: readonly PlannedSegments[],
  ): Promise<Map<number, number>> {
    const { rows } = await client.query<{ series_id: string; mark: string }>(
      planned.length === 0
        ? { name: 'tidegate-heads-share', text: this.#share, values: [int8Array(series)] }
        : {
            name: 'tidegate-heads-raise',
            text: this.#raise,
            values: [
              int8Array(series),
              int8Array(planned.map(({ seriesId }) => seriesId)),
              timestamptzArray(planned.map(({ first }) => first)),
              timestamptzArray(planned.map(({ last }) => last)),
              int8Array(planned.map(({ small }) => small)),
            ],
          },
    );
    return new Map(rows.map(({ series_id: id, mark }) => [Number(id), Math.round(Number(mark))]));
  }
}
