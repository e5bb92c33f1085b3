import type { Client } from 'pg';
import { float8Array, int8Array, timestamptzArray } from './binary.ts';
import type { OnDuplicate } from './rows.ts';
import { gainsFrom, joinedGains, NO_GAINS, type SeriesGain, type SeriesGains } from './series-gains.ts';
import { type SeriesRepeat, SeriesRepeats } from './series-repeats.ts';

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
  readonly gains: SeriesGains;
  readonly repeats: readonly SeriesRepeat[];
}

interface CountRow {
  readonly series_id: string;
  readonly points: string;
}

interface GainRow extends CountRow {
  readonly first_time: string;
  readonly last_time: string;
  readonly last_value: number | null;
}

interface KeyRow {
  readonly series_id: string;
  readonly microseconds: string;
}

/** A table keyed by (series_id, ts), for rows of which some may be there already. */
export class KeyedTable {
  readonly #insertTimed: string;
  readonly #replace: string;
  readonly #insertNew: string;
  readonly #taken: string;
  readonly #countConflicts: string;
  readonly #isText: boolean;

  /**
   * `table` is a quoted, qualified name. `closed`: where else a key may be taken, as a function of (series_id, from, to)
   * in SQL; points there are not this table's to write.
   */
  constructor(table: string, isText: boolean, closed: string | null = null) {
    this.#isText = isText;
    const input = `unnest($1::bigint[], $2::timestamptz[], $3::${isText ? 'text' : 'double precision'}[])`;
    const insert = `INSERT INTO ${table} AS t (series_id, ts, value) SELECT * FROM ${input}`;
    const lastValue = isText ? 'NULL::double precision' : '(array_agg(value ORDER BY ts DESC))[1]';
    const gains = `SELECT series_id, count(*) AS points,
        extract(epoch FROM min(ts)) * 1000000 AS first_time, extract(epoch FROM max(ts)) * 1000000 AS last_time,
        ${lastValue} AS last_value
      FROM written GROUP BY series_id`;
    this.#insertTimed = `WITH written AS (
        ${insert} ON CONFLICT (series_id, ts) DO NOTHING RETURNING series_id, ts, value
      ) ${gains}`;
    // A statement of its own sees what others committed while the insertion waited for them; rows just inserted are equal.
    this.#replace = `WITH written AS (
        UPDATE ${table} t SET value = i.value FROM ${input} AS i (series_id, ts, value)
        WHERE t.series_id = i.series_id AND t.ts = i.ts AND t.value IS DISTINCT FROM i.value
        RETURNING t.series_id, t.ts, t.value
      ) ${gains}`;
    this.#insertNew = `${insert} ON CONFLICT (series_id, ts) DO NOTHING
      RETURNING series_id, extract(epoch FROM ts) * 1000000 AS microseconds`;
    this.#taken = `SELECT t.series_id, extract(epoch FROM t.ts) * 1000000 AS microseconds
      FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS i (series_id, first_time, last_time)
      JOIN ${table} t ON t.series_id = i.series_id AND t.ts BETWEEN i.first_time AND i.last_time${
        closed === null
          ? ''
          : `
      UNION ALL
      SELECT i.series_id, extract(epoch FROM c.ts) * 1000000
      FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS i (series_id, first_time, last_time)
      CROSS JOIN LATERAL ${closed}(i.series_id, i.first_time, i.last_time + interval '1 microsecond') c`
      }`;
    this.#countConflicts = `SELECT series_id, count(*) AS points FROM ${input} AS i (series_id, ts, value)
      JOIN ${table} t USING (series_id, ts) WHERE t.value IS DISTINCT FROM i.value GROUP BY series_id`;
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
      gains: joinedGains([result.gains, gains]),
    };
  }

  async #upsertTimed(client: Client, rows: UpsertRows, onDuplicate: OnDuplicate): Promise<UpsertResult> {
    const total = rows.seriesId.length;
    if (total === 0) return { stored: 0, duplicate: 0, conflict: 0, gains: NO_GAINS, repeats: [] };
    const input = this.#parameters(rows);
    const { rows: inserted } = await client.query<GainRow>(this.#insertTimed, input);
    const stored = countOf(inserted);
    const gains = inserted.map(gainFrom);
    if (stored === total) return { stored, duplicate: 0, conflict: 0, gains: gainsFrom(gains), repeats: [] };
    let conflicts: readonly CountRow[];
    if (onDuplicate === 'keep_first') {
      ({ rows: conflicts } = await client.query<CountRow>(this.#countConflicts, input));
    } else {
      const { rows: replaced } = await client.query<GainRow>(this.#replace, input);
      conflicts = replaced;
      gains.push(...replaced.map((row) => ({ ...gainFrom(row), points: 0 })));
    }
    const conflict = countOf(conflicts);
    const repeats = repeatsOf(rows.seriesId, inserted, conflicts);
    return { stored, duplicate: total - stored - conflict, conflict, gains: gainsFrom(gains), repeats };
  }

  /** Every one is stored; where another daemon takes a time meanwhile, at the next attempt. */
  async #insertArrived(client: Client, rows: UpsertRows): Promise<SeriesGains> {
    const gains: SeriesGain[] = [];
    let left = rows;
    while (left.seriesId.length > 0) {
      const placed = await this.#placeArrived(client, left);
      const { rows: found } = await client.query<KeyRow>(this.#insertNew, this.#parameters(placed));
      const stored = new Set(found.map(keyFrom));
      const isStored = (index: number): boolean =>
        stored.has(keyOf(placed.seriesId[index] as number, placed.timestamp[index] as number));
      for (const [index, seriesId] of placed.seriesId.entries()) {
        if (!isStored(index)) continue;
        const time = placed.timestamp[index] as number;
        const value = this.#isText ? Number.NaN : (placed.value[index] as number);
        gains.push({ seriesId, points: 1, firstTime: time, lastTime: time, lastValue: value });
      }
      left = pick(placed, (index) => !isStored(index));
    }
    return gainsFrom(gains);
  }

  /** Moves arrivals off the times that the table has, a microsecond at a time; none passes an earlier one of its series. */
  async #placeArrived(client: Client, rows: UpsertRows): Promise<UpsertRows> {
    const { seriesId } = rows;
    const starts = [...seriesId.keys()].filter((index) => seriesId[index] !== seriesId[index - 1]);
    const ends = [...starts.slice(1), seriesId.length];
    const timeOf = (index: number): number => rows.timestamp[index] as number;
    // Where more times are taken in a row than were looked at, farther.
    for (let room = 1; ; room *= 8) {
      const lasts = ends.map((end, run) => timeOf(end - 1) + room * (end - (starts[run] as number)));
      const { rows: found } = await client.query<KeyRow>(this.#taken, [
        int8Array(starts.map((start) => seriesId[start] as number)),
        timestamptzArray(starts.map(timeOf)),
        timestamptzArray(lasts),
      ]);
      const taken = new Set(found.map(keyFrom));
      const timestamp: number[] = [];
      for (const [index, id] of seriesId.entries()) {
        const after = id === seriesId[index - 1] ? (timestamp[index - 1] as number) + 1 : timeOf(index);
        let time = Math.max(timeOf(index), after);
        while (taken.has(keyOf(id, time))) time++;
        timestamp.push(time);
      }
      if (ends.every((end, run) => (timestamp[end - 1] as number) <= (lasts[run] as number)))
        return { ...rows, timestamp };
    }
  }

  #parameters(rows: UpsertRows): unknown[] {
    const value = this.#isText ? rows.value : float8Array(rows.value as readonly number[]);
    return [int8Array(rows.seriesId), timestamptzArray(rows.timestamp), value];
  }
}

function keyOf(seriesId: number | string, microseconds: number): string {
  return `${seriesId} ${microseconds}`;
}

function keyFrom(row: KeyRow): string {
  return keyOf(row.series_id, Math.round(Number(row.microseconds)));
}

function countOf(rows: readonly CountRow[]): number {
  return rows.reduce((sum, row) => sum + Number(row.points), 0);
}

/** Of the series of all rows: those that were not stored, by whether the value there is another. */
function repeatsOf(
  seriesIds: readonly number[],
  stored: readonly CountRow[],
  conflicts: readonly CountRow[],
): SeriesRepeat[] {
  const repeats = new SeriesRepeats();
  for (const seriesId of seriesIds) repeats.add(seriesId, 1, 0);
  for (const { series_id: id, points } of stored) repeats.add(Number(id), -Number(points), 0);
  for (const { series_id: id, points } of conflicts) repeats.add(Number(id), -Number(points), Number(points));
  return repeats.list();
}

function gainFrom(row: GainRow): SeriesGain {
  return {
    seriesId: Number(row.series_id),
    points: Number(row.points),
    firstTime: Math.round(Number(row.first_time)),
    lastTime: Math.round(Number(row.last_time)),
    lastValue: row.last_value ?? Number.NaN,
  };
}

/** The rows for which `wanted` says true, in their order. */
export function pick(rows: UpsertRows, wanted: (index: number) => boolean): UpsertRows {
  const indexes = [...rows.seriesId.keys()].filter(wanted);
  return {
    seriesId: indexes.map((index) => rows.seriesId[index] as number),
    timestamp: indexes.map((index) => rows.timestamp[index] as number),
    value: indexes.map((index) => rows.value[index]) as number[] | string[],
    arrival: indexes.map((index) => rows.arrival[index] as boolean),
  };
}
