import type { Client } from 'pg';
import type { DeviceSeries } from '../postgres/device-series.ts';
import { type SchemaNames, withNames } from '../postgres/names.ts';
import { PointStore } from '../postgres/point-store.ts';
import type { OnDuplicate } from '../postgres/rows.ts';
import type { PointPlaces } from './point-places.ts';

/** Rows that are stored at a time. */
const STEP = 5_000;

interface Row {
  readonly time: string;
  readonly value: number | string;
}

/** How many times of one series the other one has too. */
export async function countShared(
  client: Client,
  names: SchemaNames,
  one: DeviceSeries,
  other: DeviceSeries,
): Promise<number> {
  const rows = (parameter: string): string => `SELECT ts FROM (${allRows(one.text, parameter)}) rows`;
  const { rows: found } = await client.query<{ shared: string }>(
    withNames(
      `SELECT count(*) AS shared FROM (${rows('$1::bigint')}) a JOIN (${rows('$2::bigint')}) b USING (ts)`,
      names,
    ),
    [one.id, other.id],
  );
  return Number(found[0]?.shared);
}

/**
 * Writes the points of one series into another as if they arrived now: into open chunks, late where a chunk is closed, once
 * each. What it writes of compressed chunks is late until the next compression. The rows that it reads stay.
 */
export class SeriesMerge {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #places: PointPlaces;
  readonly #onDuplicate: OnDuplicate;

  constructor(client: Client, names: SchemaNames, places: PointPlaces, onDuplicate: OnDuplicate) {
    this.#client = client;
    this.#names = names;
    this.#places = places;
    this.#onDuplicate = onDuplicate;
  }

  /** Resolves to how many points are not stored because the other series has their times. */
  async move(from: DeviceSeries, into: DeviceSeries): Promise<number> {
    const chunks = this.#places.chunks();
    await chunks.reload(this.#client);
    const store = new PointStore(this.#names, chunks, this.#onDuplicate);
    if (!from.text) await this.#places.moveCompressed(this.#client, from.id, into.id);
    await this.#client.query(
      withNames(
        `DECLARE moved NO SCROLL CURSOR FOR
         SELECT extract(epoch FROM ts) * 1000000 AS time, value FROM (${allRows(from.text, String(from.id))}) rows ORDER BY ts`,
        this.#names,
      ),
    );
    let dropped = 0;
    for (let taken = STEP; taken === STEP; ) {
      const { rows } = await this.#client.query<Row>(`FETCH ${STEP} FROM moved`);
      taken = rows.length;
      const { stored } = from.text
        ? await store.storeTexts(this.#client, textRowsOf(into, rows))
        : await store.storePoints(this.#client, pointRowsOf(into, rows), false);
      dropped += taken - stored;
    }
    await this.#client.query('CLOSE moved');
    return dropped;
  }
}

/** All rows of a series, wherever they are. */
function allRows(text: boolean, id: string): string {
  return text
    ? `SELECT ts, value FROM :"internal".texts WHERE series_id = ${id}
       UNION ALL SELECT ts, value FROM :"internal".texts_late WHERE series_id = ${id}`
    : `SELECT ts, value FROM :"internal".points_between(${id}, '-infinity', 'infinity')`;
}

function pointRowsOf({ id }: DeviceSeries, rows: readonly Row[]): Parameters<PointStore['storePoints']>[1] {
  return {
    length: rows.length,
    seriesId: Float64Array.from(rows, () => id),
    timestamp: Float64Array.from(rows, timeOf),
    value: Float64Array.from(rows, ({ value }) => value as number),
    arrival: new Uint8Array(rows.length),
    series: [],
    start: new Int32Array(1),
    duplicate: 0,
    conflict: 0,
    expired: 0,
  };
}

function textRowsOf(
  { id, metric }: DeviceSeries,
  rows: readonly Row[],
): Parameters<PointStore['storeTexts']>[1] {
  const series = {
    deviceId: '',
    metricName: metric,
    text: true,
    kind: 'text' as const,
    route: null,
    id,
    storedKind: undefined,
    latestText: undefined,
  };
  return rows.map((row) => ({
    series,
    timestamp: timeOf(row),
    value: row.value as string,
    arrival: false,
  }));
}

function timeOf({ time }: Row): number {
  return Math.round(Number(time));
}
