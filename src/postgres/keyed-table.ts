import type { Client } from 'pg';
import { float8Array, int8Array, timestamptzArray } from './binary.ts';
import type { SeriesGain } from './journal.ts';
import type { OnDuplicate } from './rows.ts';

/** Rows for one keyed table, in the order of its key, each key once. Times in microseconds since 1970. */
export interface UpsertRows {
  readonly seriesId: readonly number[];
  readonly timestamp: readonly number[];
  readonly value: readonly number[] | readonly string[];
  /** Whether the time is the arrival's, which moves where it is taken. */
  readonly arrival: readonly boolean[];
}

export interface UpsertResult {
  readonly stored: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly gains: readonly SeriesGain[];
}

interface GainRow {
  readonly series_id: string;
  readonly inserted: string;
  readonly replaced: string;
  readonly first_time: string;
  readonly last_time: string;
  readonly last_value: number | null;
}

/** A table keyed by (series_id, ts), for rows of which some may be there already. */
export class KeyedTable {
  readonly #upsertFirst: string;
  readonly #upsertLast: string;
  readonly #insertNew: string;
  readonly #countConflicts: string;
  readonly #isText: boolean;

  /** `table` is a quoted, qualified name. */
  constructor(table: string, isText: boolean) {
    this.#isText = isText;
    const input = `unnest($1::bigint[], $2::timestamptz[], $3::${isText ? 'text' : 'double precision'}[])`;
    const insert = `INSERT INTO ${table} AS t (series_id, ts, value) SELECT * FROM ${input}`;
    const lastValue = isText ? 'NULL::double precision' : '(array_agg(value ORDER BY ts DESC))[1]';
    const gains = `SELECT series_id, count(*) FILTER (WHERE inserted) AS inserted,
        count(*) FILTER (WHERE NOT inserted) AS replaced,
        extract(epoch FROM min(ts)) * 1000000 AS first_time, extract(epoch FROM max(ts)) * 1000000 AS last_time,
        ${lastValue} AS last_value
      FROM written GROUP BY series_id`;
    this.#upsertFirst = `WITH written AS (
        ${insert} ON CONFLICT (series_id, ts) DO NOTHING RETURNING series_id, ts, value, true AS inserted
      ) ${gains}`;
    // Which rows are new is asked first: a row that an update touched cannot be told from an inserted one portably.
    this.#upsertLast = `WITH input AS (SELECT * FROM ${input} AS i (series_id, ts, value)),
      present AS (SELECT series_id, ts FROM input JOIN ${table} t USING (series_id, ts)),
      written AS (
        INSERT INTO ${table} AS t (series_id, ts, value) SELECT * FROM input
        ON CONFLICT (series_id, ts) DO UPDATE SET value = excluded.value WHERE t.value IS DISTINCT FROM excluded.value
        RETURNING series_id, ts, value
      ), told AS (
        SELECT w.*, p.series_id IS NULL AS inserted FROM written w LEFT JOIN present p USING (series_id, ts)
      ) ${gains.replace('FROM written', 'FROM told')}`;
    this.#insertNew = `${insert} ON CONFLICT (series_id, ts) DO NOTHING
      RETURNING series_id, extract(epoch FROM ts) * 1000000 AS microseconds`;
    this.#countConflicts = `SELECT count(*) AS conflicts FROM ${input} AS i (series_id, ts, value)
      JOIN ${table} t USING (series_id, ts) WHERE t.value IS DISTINCT FROM i.value`;
  }

  /** Stores what is not there; counts what is, by whether its value is the same. */
  async upsert(client: Client, rows: UpsertRows, onDuplicate: OnDuplicate): Promise<UpsertResult> {
    const timed = pick(rows, (index) => rows.arrival[index] !== true);
    const result = await this.#upsertTimed(client, timed, onDuplicate);
    const arrived = pick(rows, (index) => rows.arrival[index] === true);
    const gains = await this.#insertArrived(client, arrived);
    return {
      ...result,
      stored: result.stored + arrived.seriesId.length,
      gains: [...result.gains, ...gains],
    };
  }

  async #upsertTimed(client: Client, rows: UpsertRows, onDuplicate: OnDuplicate): Promise<UpsertResult> {
    const total = rows.seriesId.length;
    if (total === 0) return { stored: 0, duplicate: 0, conflict: 0, gains: [] };
    const input = this.#parameters(rows);
    const { rows: found } = await client.query<GainRow>(
      onDuplicate === 'keep_first' ? this.#upsertFirst : this.#upsertLast,
      input,
    );
    const stored = found.reduce((sum, row) => sum + Number(row.inserted), 0);
    let conflict = found.reduce((sum, row) => sum + Number(row.replaced), 0);
    if (onDuplicate === 'keep_first' && stored < total) {
      const { rows: counted } = await client.query<{ conflicts: string }>(this.#countConflicts, input);
      conflict = Number(counted[0]?.conflicts ?? 0);
    }
    return { stored, duplicate: total - stored - conflict, conflict, gains: found.map(gainFrom) };
  }

  /** Tries again a microsecond later whatever finds its time taken. */
  async #insertArrived(client: Client, rows: UpsertRows): Promise<SeriesGain[]> {
    const gains: SeriesGain[] = [];
    let left = rows;
    while (left.seriesId.length > 0) {
      const { rows: found } = await client.query<{ series_id: string; microseconds: string }>(
        this.#insertNew,
        this.#parameters(left),
      );
      const stored = new Set(found.map((row) => `${row.series_id} ${Math.round(Number(row.microseconds))}`));
      const isStored = (index: number): boolean =>
        stored.has(`${left.seriesId[index]} ${left.timestamp[index]}`);
      for (const [index, seriesId] of left.seriesId.entries()) {
        if (!isStored(index)) continue;
        const time = left.timestamp[index] as number;
        const value = this.#isText ? Number.NaN : (left.value[index] as number);
        gains.push({ seriesId, points: 1, firstTime: time, lastTime: time, lastValue: value });
      }
      const next = pick(left, (index) => !isStored(index));
      left = { ...next, timestamp: next.timestamp.map((time) => time + 1) };
    }
    return gains;
  }

  #parameters(rows: UpsertRows): unknown[] {
    const value = this.#isText ? rows.value : float8Array(rows.value as readonly number[]);
    return [int8Array(rows.seriesId), timestamptzArray(rows.timestamp), value];
  }
}

function gainFrom(row: GainRow): SeriesGain {
  return {
    seriesId: Number(row.series_id),
    points: Number(row.inserted),
    firstTime: Math.round(Number(row.first_time)),
    lastTime: Math.round(Number(row.last_time)),
    lastValue: row.last_value ?? Number.NaN,
  };
}

function pick(rows: UpsertRows, wanted: (index: number) => boolean): UpsertRows {
  const indexes = [...rows.seriesId.keys()].filter(wanted);
  return {
    seriesId: indexes.map((index) => rows.seriesId[index] as number),
    timestamp: indexes.map((index) => rows.timestamp[index] as number),
    value: indexes.map((index) => rows.value[index]) as number[] | string[],
    arrival: indexes.map((index) => rows.arrival[index] as boolean),
  };
}
