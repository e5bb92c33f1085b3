import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows, type KeyedRows } from './binary.ts';
import type { Chunks, ChunkSource } from './chunks.ts';
import { ClosedPoints, type ClosedResult } from './closed-points.ts';
import { KeyedTable, pick, type UpsertResult, type UpsertRows } from './keyed-table.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { OnDuplicate, SortedRows } from './rows.ts';
import { emptyGains, joinedGains, NO_GAINS, type SeriesGains } from './series-gains.ts';
import type { TextRow } from './text-rows.ts';

const NO_MARKS: ReadonlyMap<number, number> = new Map();
const NOTHING_STORED: UpsertResult = { stored: 0, duplicate: 0, conflict: 0, gains: NO_GAINS, repeats: [] };

/**
 * Writes rows where their time says: into the open chunk that covers it, or into the late table. Points of a chunk that is
 * closed are held against what it has before they are written late, those of an open one that may have them in segments
 * before they become rows.
 */
export class PointStore {
  readonly #chunks: Chunks;
  readonly #onDuplicate: OnDuplicate;
  readonly #copy: string;
  readonly #tables: Readonly<Record<ChunkSource, { readonly open: KeyedTable; readonly late: KeyedTable }>>;
  readonly #closed: ClosedPoints;
  readonly #lateOfClosed: KeyedTable;
  readonly #openOfSegments: KeyedTable;

  constructor(names: SchemaNames, chunks: Chunks, onDuplicate: OnDuplicate) {
    this.#chunks = chunks;
    this.#onDuplicate = onDuplicate;
    this.#copy = withNames(
      'COPY :"internal".points (series_id, ts, value) FROM STDIN WITH (FORMAT binary)',
      names,
    );
    const table = (source: ChunkSource, isText: boolean) => ({
      open: new KeyedTable(withNames(`:"internal".${source}`, names), isText),
      late: new KeyedTable(withNames(`:"internal".${source}_late`, names), isText),
    });
    this.#tables = { points: table('points', false), texts: table('texts', true) };
    this.#closed = new ClosedPoints(names, chunks);
    const closed = withNames(':"internal".closed_points', names);
    this.#lateOfClosed = new KeyedTable(withNames(':"internal".points_late', names), false, closed);
    this.#openOfSegments = new KeyedTable(withNames(':"internal".points', names), false, closed);
  }

  /**
   * Within a transaction. `copy` is the fast way, right as long as none of the keys is there already: else PostgreSQL
   * refuses it with 23505 and the transaction has to begin anew without it. `marks`: of series whose points up to that
   * time (microseconds since 1970) may be in segments of open chunks too.
   */
  async storePoints(
    client: Client,
    rows: SortedRows,
    copy: boolean,
    marks: ReadonlyMap<number, number> = NO_MARKS,
  ): Promise<UpsertResult> {
    if (rows.length === 0) return NOTHING_STORED;
    if (copy && allCovered(this.#chunks, rows) && allAbove(marks, rows)) {
      await this.#copyIn(client, rows);
      return { ...NOTHING_STORED, stored: rows.length, gains: gainsOf(rows) };
    }
    const covered = (time: number): boolean => this.#chunks.covers('points', time);
    const isFree = (row: number): boolean => {
      const time = rows.timestamp[row] as number;
      return (
        covered(time) && !(time <= (marks.get(rows.seriesId[row] as number) ?? Number.NEGATIVE_INFINITY))
      );
    };
    const { open, late } = this.#tables.points;
    const others = pointRows(rows, (row) => !isFree(row));
    const isOpen = (index: number): boolean => covered(others.timestamp[index] as number);
    const isClosed = (index: number): boolean =>
      this.#chunks.closed(others.timestamp[index] as number) !== undefined;
    const store = async (table: KeyedTable, some: UpsertRows): Promise<UpsertResult> =>
      await table.upsert(client, some, this.#onDuplicate);
    // What is there is settled first, by locks that no one takes who has written rows already.
    const settled = await this.#settle(
      client,
      pick(others, (index) => isOpen(index) || isClosed(index)),
    );
    const isOpenRest = (index: number): boolean => covered(settled.rest.timestamp[index] as number);
    return joined([
      settled.result,
      await store(open, pointRows(rows, isFree)),
      await store(this.#openOfSegments, pick(settled.rest, isOpenRest)),
      await store(
        late,
        pick(others, (index) => !isOpen(index) && !isClosed(index)),
      ),
      await store(
        this.#lateOfClosed,
        pick(settled.rest, (index) => !isOpenRest(index)),
      ),
    ]);
  }

  /** Points that may be there already, in a closed chunk or in segments. */
  async #settle(client: Client, rows: UpsertRows): Promise<ClosedResult> {
    if (rows.seriesId.length === 0) return { rest: rows, result: NOTHING_STORED };
    return await this.#closed.settle(client, rows, this.#onDuplicate);
  }

  /** Within a transaction. */
  async storeTexts(client: Client, rows: readonly TextRow[]): Promise<UpsertResult> {
    if (rows.length === 0) return NOTHING_STORED;
    const { open, late } = this.#tables.texts;
    const covered = (row: TextRow): boolean => this.#chunks.covers('texts', row.timestamp);
    return joined([
      await open.upsert(client, textColumns(rows.filter(covered)), this.#onDuplicate),
      await late.upsert(client, textColumns(rows.filter((row) => !covered(row))), this.#onDuplicate),
    ]);
  }

  async #copyIn(client: Client, rows: KeyedRows): Promise<void> {
    const stream = client.query(copyFrom(this.#copy));
    stream.end(copyRows(rows));
    await finished(stream);
  }
}

/** Whether all of them go to chunks that are open. */
export function allCovered(chunks: Chunks, { timestamp, length }: SortedRows): boolean {
  for (let row = 0; row < length; row++) if (!chunks.covers('points', timestamp[row] as number)) return false;
  return true;
}

/** Whether all of them are later than the mark of their series, where it has one. */
function allAbove(marks: ReadonlyMap<number, number>, rows: SortedRows): boolean {
  if (marks.size === 0) return true;
  return rows.series.every((id, run) => {
    const first = rows.timestamp[rows.start[run] as number] as number;
    return first > (marks.get(id) ?? Number.NEGATIVE_INFINITY);
  });
}

/** Of rows that all were stored. */
export function gainsOf({ series, start, timestamp, value }: SortedRows): SeriesGains {
  const gains = emptyGains(series.length);
  gains.seriesId.set(series);
  for (let run = 0; run < series.length; run++) {
    const first = start[run] as number;
    const last = (start[run + 1] as number) - 1;
    gains.points[run] = last - first + 1;
    gains.firstTime[run] = timestamp[first] as number;
    gains.lastTime[run] = timestamp[last] as number;
    gains.lastValue[run] = value[last] as number;
  }
  return gains;
}

function pointRows(rows: SortedRows, wanted: (row: number) => boolean): UpsertRows {
  const seriesId: number[] = [];
  const timestamp: number[] = [];
  const value: number[] = [];
  const arrival: boolean[] = [];
  for (let row = 0; row < rows.length; row++) {
    if (!wanted(row)) continue;
    seriesId.push(rows.seriesId[row] as number);
    timestamp.push(rows.timestamp[row] as number);
    value.push(rows.value[row] as number);
    arrival.push(rows.arrival[row] !== 0);
  }
  return { seriesId, timestamp, value, arrival };
}

function textColumns(rows: readonly TextRow[]): UpsertRows {
  return {
    seriesId: rows.map(({ series }) => series.id as number),
    timestamp: rows.map(({ timestamp }) => timestamp),
    value: rows.map(({ value }) => value),
    arrival: rows.map(({ arrival }) => arrival),
  };
}

function joined(results: readonly UpsertResult[]): UpsertResult {
  return {
    stored: results.reduce((sum, { stored }) => sum + stored, 0),
    duplicate: results.reduce((sum, { duplicate }) => sum + duplicate, 0),
    conflict: results.reduce((sum, { conflict }) => sum + conflict, 0),
    gains: joinedGains(results.map(({ gains }) => gains)),
    repeats: results.flatMap(({ repeats }) => repeats),
  };
}
