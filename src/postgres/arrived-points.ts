import type { Client } from 'pg';
import { ARRIVAL, type Batch } from '../pipeline/types.ts';
import { timestamptzArray } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';
import { isSame } from './rows.ts';

interface StoredPoint {
  /** Microseconds since 1970. */
  readonly time: number;
  readonly value: number | string;
}

interface Row {
  readonly position: string;
  readonly microseconds: string;
  readonly value: number | string;
}

/**
 * Points without a time of their own whose message was stored in part: they would get times beside the ones that they
 * have. Each that is there, at its arrival or where it moved from there, with the same value, is given the time that it
 * has, and so becomes a duplicate.
 */
export class ArrivedPoints {
  readonly #numbers: string;
  readonly #texts: string;

  constructor(names: SchemaNames) {
    const find = (from: string): string =>
      withNames(
        `SELECT k.position, (extract(epoch FROM p."timestamp") * 1000000)::bigint AS microseconds, p.value
         FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS k (device_id, metric_name, arrival, position)
         LEFT JOIN :"internal".device_aliases a ON a.alias = k.device_id AND a.valid_to IS NULL
         CROSS JOIN LATERAL ${from} p
         ORDER BY k.position, p."timestamp"`,
        names,
      );
    // Ten thousand points of one series in one millisecond move no further.
    const until = `k.arrival + interval '10 milliseconds'`;
    this.#numbers = find(
      `:"schema".iot_points(coalesce(a.device_id, k.device_id), k.metric_name, k.arrival, ${until})`,
    );
    this.#texts = find(
      `(SELECT t."timestamp", t.value FROM :"schema".iot_text t
        WHERE t.device_id = coalesce(a.device_id, k.device_id) AND t.metric_name = k.metric_name
          AND t."timestamp" >= k.arrival AND t."timestamp" < ${until})`,
    );
  }

  /** `isPartlyStored`: of the message of that index. Changes times and flags of the batch's columns. */
  async recognise(
    client: Client,
    { series, points, texts }: Batch,
    isPartlyStored: (messageIndex: number) => boolean,
  ): Promise<void> {
    for (const [columns, sql] of [
      [points, this.#numbers],
      [texts, this.#texts],
    ] as const) {
      const rows = Array.from({ length: columns.length }, (_, row) => row).filter(
        (row) =>
          ((columns.flags[row] as number) & ARRIVAL) !== 0 &&
          isPartlyStored(columns.messageIndex[row] as number),
      );
      const keyOf = (row: number) => `${columns.seriesIndex[row]} ${columns.timestamp[row]}`;
      const byKey = Map.groupBy(rows, keyOf);
      const first = [...byKey.values()].map(([row]) => row as number);
      if (first.length === 0) continue;
      const seriesOf = (row: number) => series[columns.seriesIndex[row] as number];
      const { rows: found } = await client.query<Row>(sql, [
        first.map((row) => seriesOf(row)?.deviceId),
        first.map((row) => seriesOf(row)?.metricName),
        timestamptzArray(first.map((row) => columns.timestamp[row] as number)),
      ]);
      const there = Map.groupBy(found, ({ position }) => Number(position) - 1);
      for (const [index, of] of [...byKey.values()].entries()) {
        const arrival = columns.timestamp[of[0] as number] as number;
        const run = consecutive(arrival, there.get(index) ?? []);
        for (const row of of) {
          const at = run.findIndex(({ value }) => isEqual(value, columns.value[row] as number | string));
          if (at === -1) continue;
          columns.timestamp[row] = (run[at] as StoredPoint).time;
          columns.flags[row] = (columns.flags[row] as number) & ~ARRIVAL;
          run.splice(at, 1);
        }
      }
    }
  }
}

/** Points that follow one another by a microsecond from the arrival on: an arrival moves no further than to the first gap. */
function consecutive(arrival: number, rows: readonly Row[]): StoredPoint[] {
  const points: StoredPoint[] = [];
  for (const { microseconds, value } of rows) {
    const time = Number(microseconds);
    if (time > arrival + points.length) break;
    points.push({ time, value });
  }
  return points;
}

function isEqual(left: number | string, right: number | string): boolean {
  return typeof left === 'number' && typeof right === 'number' ? isSame(left, right) : left === right;
}
