import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyRows, type KeyedRows } from './binary.ts';
import type { Chunks, ChunkSource } from './chunks.ts';
import { ClosedPoints } from './closed-points.ts';
import type { SeriesGain } from './journal.ts';
import { KeyedTable, pick, type UpsertResult, type UpsertRows } from './keyed-table.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { OnDuplicate, SortedRows } from './rows.ts';
import type { TextRow } from './text-rows.ts';

const NOTHING_STORED: UpsertResult = { stored: 0, duplicate: 0, conflict: 0, gains: [], repeats: [] };

/**
 * Writes rows where their time says: into the open chunk that covers it, or into the late table. Points of a chunk that is
 * closed are held against what it has before they are written late.
 */
export class PointStore {
  readonly #chunks: Chunks;
  readonly #onDuplicate: OnDuplicate;
  readonly #copy: string;
  readonly #tables: Readonly<Record<ChunkSource, { readonly open: KeyedTable; readonly late: KeyedTable }>>;
  readonly #closed: ClosedPoints;
  readonly #lateOfClosed: KeyedTable;

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
    this.#lateOfClosed = new KeyedTable(
      withNames(':"internal".points_late', names),
      false,
      withNames(':"internal".closed_points', names),
    );
  }

  /**
   * Within a transaction. `copy` is the fast way, right as long as none of the keys is there already: else PostgreSQL
   * refuses it with 23505 and the transaction has to begin anew without it.
   */
  async storePoints(client: Client, rows: SortedRows, copy: boolean): Promise<UpsertResult> {
    if (rows.length === 0) return NOTHING_STORED;
    if (copy && allCovered(this.#chunks, rows)) {
      await this.#copyIn(client, rows);
      return { ...NOTHING_STORED, stored: rows.length, gains: gainsOf(rows) };
    }
    const covered = (row: number): boolean => this.#chunks.covers('points', rows.timestamp[row] as number);
    const { open, late } = this.#tables.points;
    const others = pointRows(rows, (row) => !covered(row));
    const isClosed = (index: number): boolean =>
      this.#chunks.closed(others.timestamp[index] as number) !== undefined;
    return joined([
      await open.upsert(client, pointRows(rows, covered), this.#onDuplicate),
      await late.upsert(
        client,
        pick(others, (index) => !isClosed(index)),
        this.#onDuplicate,
      ),
      ...(await this.#storeClosed(client, pick(others, isClosed))),
    ]);
  }

  async #storeClosed(client: Client, rows: UpsertRows): Promise<UpsertResult[]> {
    if (rows.seriesId.length === 0) return [];
    const { rest, result } = await this.#closed.settle(client, rows, this.#onDuplicate);
    return [result, await this.#lateOfClosed.upsert(client, rest, this.#onDuplicate)];
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
  return timestamp.subarray(0, length).every((time) => chunks.covers('points', time));
}

/** Of rows that all were stored. */
export function gainsOf(rows: SortedRows): SeriesGain[] {
  return rows.series.map((series, run) => {
    const first = rows.start[run] as number;
    const last = (rows.start[run + 1] as number) - 1;
    return {
      seriesId: series.id as number,
      points: last - first + 1,
      firstTime: rows.timestamp[first] as number,
      lastTime: rows.timestamp[last] as number,
      lastValue: rows.value[last] as number,
    };
  });
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
    gains: results.flatMap(({ gains }) => gains),
    repeats: results.flatMap(({ repeats }) => repeats),
  };
}
