import type { Client } from 'pg';
import { elementsOf } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';

/**
 * Says in the connection's application_name, which every role may see, that it follows the journal, and when it did: a pool keeps
 * connections of those who left.
 */
export const FOLLOW = `SELECT set_config('application_name', 'tidegate follower ' || extract(epoch FROM clock_timestamp())::bigint, false)`;

/** Whether anybody followed within the last ten seconds: then rows of the journal stay for a while. */
export const IS_FOLLOWED = `EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
  AND substring(application_name FROM '^tidegate follower (\\d{1,12})$')::bigint > extract(epoch FROM clock_timestamp()) - 10)`;

/** What one series gained by a batch. Times in microseconds since 1970. */
export interface Arrived {
  readonly points: number;
  readonly first: number;
  readonly last: number;
}

/** What a batch brought of its series, a row each; a series may have several. */
export interface Arrivals {
  readonly seriesIds: Float64Array;
  readonly points: Float64Array;
  /** Microseconds since 1970. */
  readonly firstTimes: Float64Array;
  readonly lastTimes: Float64Array;
}

/** How far the journal was read. */
export interface JournalPlace {
  /** When, by the server's clock: milliseconds since 1970. */
  readonly at: number;
  /** The batches that were in it: what is there later and is none of these came since, whatever else became of the rows. */
  readonly batchIds: readonly string[];
}

/** Within a snapshot, which every statement of the caller shares. */
export async function journalPlace(client: Client, names: SchemaNames): Promise<JournalPlace> {
  const { rows } = await client.query<JournalPlace>(
    withNames(
      `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS at,
         ARRAY(SELECT batch_id FROM :"internal".batches)::text[] AS "batchIds"`,
      names,
    ),
  );
  return rows[0] as JournalPlace;
}

/** Within the same snapshot as `journalPlace`: the batches that came since the place. */
export async function arrivalsSince(
  client: Client,
  names: SchemaNames,
  { batchIds }: JournalPlace,
): Promise<readonly Arrivals[]> {
  const { rows } = await client.query<[Buffer, Buffer, Buffer, Buffer]>({
    text: withNames(
      `SELECT array_send(series_ids), array_send(series_points::bigint[]), array_send(first_times), array_send(last_times)
       FROM :"internal".batches WHERE batch_id <> ALL ($1::uuid[])`,
      names,
    ),
    values: [batchIds],
    rowMode: 'array',
  });
  return rows.map(([seriesIds, points, firstTimes, lastTimes]) => ({
    seriesIds: elementsOf(seriesIds, 'int8'),
    points: elementsOf(points, 'int8'),
    firstTimes: elementsOf(firstTimes, 'timestamptz'),
    lastTimes: elementsOf(lastTimes, 'timestamptz'),
  }));
}

/** By series, of those that are wanted. */
export function arrivedBySeries(
  batches: readonly Arrivals[],
  isWanted: (seriesId: number) => boolean,
): Map<number, Arrived[]> {
  const bySeries = new Map<number, Arrived[]>();
  for (const { seriesIds, points, firstTimes, lastTimes } of batches) {
    for (let row = 0; row < seriesIds.length; row++) {
      const seriesId = seriesIds[row] as number;
      // A value that replaced another one is no point more.
      if (points[row] === 0 || !isWanted(seriesId)) continue;
      const arrived = {
        points: points[row] as number,
        first: firstTimes[row] as number,
        last: lastTimes[row] as number,
      };
      const known = bySeries.get(seriesId);
      if (known === undefined) bySeries.set(seriesId, [arrived]);
      else known.push(arrived);
    }
  }
  return bySeries;
}
