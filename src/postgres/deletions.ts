import type { Client } from 'pg';
import { dropPoints, usedSeries } from '../pipeline/batch.ts';
import type { Batch, Series } from '../pipeline/types.ts';
import { timestamptzArray } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';

interface Row {
  readonly position: string;
  readonly from: number;
  readonly to: number;
  readonly before: number;
}

interface Remainder {
  readonly batch: Batch;
  /** Those that it has points of. */
  readonly series: readonly Series[];
  /** Points that it lost. */
  readonly deleted: number;
}

/**
 * Deletions by hand, as the audit has them, for messages that lay in the spool meanwhile: what was received before the
 * deletion, by this machine's clock against the server's, is what it meant.
 */
export class Deletions {
  readonly #matching: string;

  constructor(names: SchemaNames) {
    const micros = (time: string): string => `(extract(epoch FROM ${time}) * 1000000)::float8`;
    // A former name counts as long as it led to the device.
    this.#matching = withNames(
      `SELECT k.position, coalesce(${micros("(d.subject ->> 'from')::timestamptz")}, '-infinity') AS "from",
         coalesce(${micros("(d.subject ->> 'to')::timestamptz")}, 'infinity') AS "to", ${micros('least(d.at, k.until)')} AS before
       FROM (
         SELECT w.position, w.device_id, w.metric_name, NULL::timestamptz AS until
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (device_id, metric_name, position)
         UNION ALL
         SELECT w.position, a.device_id, w.metric_name, a.valid_to
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (device_id, metric_name, position)
         JOIN :"internal".device_aliases a ON a.alias = w.device_id
       ) k
       JOIN :"internal".audit d ON d.action = 'delete' AND d.at > ($3::timestamptz[])[1] AND d.subject ->> 'device' = k.device_id
         AND k.metric_name LIKE replace(regexp_replace(coalesce(d.subject ->> 'metric', '*'), '([\\\\%_])', '\\\\\\1', 'g'), '*', '%')`,
      names,
    );
  }

  /** Without what was deleted before it was written, counted as dropped. Batches that did not lie in the spool are left as they are. */
  async without(client: Client, batch: Batch): Promise<Remainder> {
    const whole = { batch, series: batch.series, deleted: 0 };
    const oldest = batch.deliveries.reduce((least, { receivedAt }) => Math.min(least, receivedAt), Infinity);
    if (batch.records.length === 0 || oldest === Infinity) return whole;
    const { rows } = await client.query<Row>(this.#matching, [
      batch.series.map(({ deviceId }) => deviceId),
      batch.series.map(({ metricName }) => metricName),
      timestamptzArray([oldest]),
    ]);
    if (rows.length === 0) return whole;
    const bySeries = Map.groupBy(rows, ({ position }) => Number(position) - 1);
    const remainder = dropPoints(batch, (seriesIndex, messageIndex, timestamp) => {
      const receivedAt = batch.deliveries[messageIndex]?.receivedAt ?? Infinity;
      return (bySeries.get(seriesIndex) ?? []).some(
        ({ from, to, before }) => receivedAt < before && timestamp >= from && timestamp < to,
      );
    });
    return { ...remainder, series: usedSeries(remainder.batch) };
  }
}
