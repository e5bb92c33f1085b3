import type { Client } from 'pg';
import { float8Array, int8Array, timestamptzArray } from './binary.ts';
import type { Chunks, ClosedChunk } from './chunks.ts';
import { pick, type UpsertResult, type UpsertRows } from './keyed-table.ts';
import { type SchemaNames, withNames } from './names.ts';
import { isSame, type OnDuplicate } from './rows.ts';
import { SegmentEditor } from './segment-editor.ts';
import { gainsFrom, type SeriesGains } from './series-gains.ts';
import { SeriesRepeats } from './series-repeats.ts';

/** What is left of the rows once those are taken out that their chunks have: to be written. */
export interface ClosedResult {
  readonly rest: UpsertRows;
  readonly result: UpsertResult;
}

interface FoundRow {
  readonly ordinal: string;
  readonly value: number;
}

/**
 * Points of chunks that take none any more, or that have them in segments while they are open, held against what these
 * have. Within the batch's transaction, under the map's shared lock: no chunk changes its state meanwhile.
 */
export class ClosedPoints {
  readonly #chunks: Pick<Chunks, 'closed'>;
  readonly #findInLeaf: string;
  readonly #inTurn: string;
  readonly #replaceInLeaf: string;
  readonly #correct: string;
  readonly #segments: SegmentEditor;

  constructor(names: SchemaNames, chunks: Pick<Chunks, 'closed'>) {
    this.#chunks = chunks;
    this.#segments = new SegmentEditor(names);
    const input = 'unnest($1::bigint[], $2::timestamptz[], $3::double precision[])';
    this.#findInLeaf = withNames(
      `SELECT i.ordinal, p.value
       FROM unnest($1::bigint[], $2::timestamptz[]) WITH ORDINALITY AS i (series_id, ts, ordinal)
       JOIN :"internal".points p ON p.series_id = i.series_id AND p.ts = i.ts`,
      names,
    );
    this.#inTurn = withNames(
      `SELECT FROM :"internal".series WHERE series_id = ANY ($1::bigint[]) ORDER BY series_id FOR NO KEY UPDATE`,
      names,
    );
    this.#replaceInLeaf = withNames(
      `UPDATE :"internal".points p SET value = i.value FROM ${input} AS i (series_id, ts, value)
       WHERE p.series_id = i.series_id AND p.ts = i.ts`,
      names,
    );
    this.#correct = withNames(
      `INSERT INTO :"internal".closing_corrections (series_id, ts, value) SELECT * FROM ${input}
       ON CONFLICT (series_id, ts) DO UPDATE SET value = excluded.value`,
      names,
    );
  }

  /** Counts the rows that are there already; with keep_last it replaces their values, for readers at once. */
  async settle(client: Client, rows: UpsertRows, onDuplicate: OnDuplicate): Promise<ClosedResult> {
    const there = await this.#find(client, rows);
    const isOther = (index: number): boolean =>
      there.has(index) && !isSame(rows.value[index] as number, there.get(index) as number);
    const conflict = [...there.keys()].filter(isOther).length;
    const repeats = new SeriesRepeats();
    for (const index of there.keys()) {
      const other = isOther(index) ? 1 : 0;
      repeats.add(rows.seriesId[index] as number, 1 - other, other);
    }
    const replaced = pick(rows, (index) => onDuplicate === 'keep_last' && isOther(index));
    if (replaced.seriesId.length > 0) await this.#replace(client, replaced);
    return {
      rest: pick(rows, (index) => !there.has(index)),
      result: {
        stored: 0,
        duplicate: there.size - conflict,
        conflict,
        gains: gainsOf(replaced),
        repeats: repeats.list(),
      },
    };
  }

  /** The value that is there already, by the index of the row; an arrival moves off what is there. */
  async #find(client: Client, rows: UpsertRows): Promise<Map<number, number>> {
    const timed = [...rows.seriesId.keys()].filter((index) => rows.arrival[index] !== true);
    const there = new Map<number, number>();
    const inLeaf = timed.filter((index) => this.#stateOf(rows, index) === 'closing');
    if (inLeaf.length > 0) {
      const { rows: found } = await client.query<FoundRow>(this.#findInLeaf, [
        int8Array(inLeaf.map((index) => rows.seriesId[index] as number)),
        timestamptzArray(inLeaf.map((index) => rows.timestamp[index] as number)),
      ]);
      for (const { ordinal, value } of found) there.set(inLeaf[Number(ordinal) - 1] as number, value);
    }
    const inSegments = timed.filter((index) => !there.has(index));
    const found = await this.#segments.find(client, {
      seriesId: inSegments.map((index) => rows.seriesId[index] as number),
      timestamp: inSegments.map((index) => rows.timestamp[index] as number),
    });
    for (const [index, value] of found) there.set(inSegments[index] as number, value);
    return there;
  }

  #stateOf(rows: UpsertRows, index: number): ClosedChunk['state'] | undefined {
    return this.#chunks.closed(rows.timestamp[index] as number)?.state;
  }

  /**
   * Those who replace points of one series do it in turn, until they commit: a segment that one replaces is another row
   * after it, so that the others cannot lock what they need in one order, and would wait for each other.
   */
  async #replace(client: Client, rows: UpsertRows): Promise<void> {
    await client.query(this.#inTurn, [int8Array(rows.seriesId)]);
    const stateOf = (index: number) => this.#stateOf(rows, index);
    const inLeaf = pick(rows, (index) => stateOf(index) === 'closing');
    if (inLeaf.seriesId.length > 0) await client.query(this.#replaceInLeaf, parameters(inLeaf));
    const inMotion = pick(rows, (index) => stateOf(index) === 'closing' || stateOf(index) === 'opening');
    if (inMotion.seriesId.length > 0) await client.query(this.#correct, parameters(inMotion));
    // A closing chunk has segments too, where batches wrote some.
    await this.#segments.replace(client, rows);
  }
}

function gainsOf(rows: UpsertRows): SeriesGains {
  const gains = rows.seriesId.map((seriesId, index) => {
    const time = rows.timestamp[index] as number;
    return { seriesId, points: 0, firstTime: time, lastTime: time, lastValue: rows.value[index] as number };
  });
  return gainsFrom(gains);
}

function parameters(rows: UpsertRows): Buffer[] {
  return [
    int8Array(rows.seriesId),
    timestamptzArray(rows.timestamp),
    float8Array(rows.value as readonly number[]),
  ];
}
