import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** Where a text is: its series and its time, as PostgreSQL prints it. */
export interface TextPlace {
  readonly device_id: string;
  readonly metric_name: string;
  readonly time: string | null;
}

/** The text at each place; null where none is, as retention deletes what is old. */
export async function textsAt(
  client: Client,
  names: SchemaNames,
  places: readonly TextPlace[],
): Promise<(string | null)[]> {
  const texts = places.map(() => null as string | null);
  if (places.length === 0) return texts;
  const { rows } = await client.query<{ place: string; value: string }>(
    withNames(
      `SELECT w.place, t.value
       FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS w (device_id, metric_name, ts, place)
       CROSS JOIN LATERAL (
         SELECT value FROM :"schema".iot_text t
         WHERE t.device_id = w.device_id AND t.metric_name = w.metric_name AND t."timestamp" = w.ts
       ) t`,
      names,
    ),
    [places.map((at) => at.device_id), places.map((at) => at.metric_name), places.map((at) => at.time)],
  );
  for (const { place, value } of rows) texts[Number(place) - 1] = value;
  return texts;
}
