import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** What a batch that is not folded yet brought of each of its series: the latest point. */
interface Tail {
  /** In the order of commits. */
  readonly committedAt: number;
  readonly seriesIds: readonly number[];
  /** Microseconds since 1970. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
}

export interface TailPoint {
  readonly time: number;
  readonly value: number | null;
}

interface Row {
  readonly batch_id: string;
  readonly committed_at: number;
  readonly series_ids: readonly string[] | null;
  readonly times: readonly number[] | null;
  readonly values: readonly (number | null)[] | null;
}

/**
 * The end of the journal, kept here as far as it was read: a question reads only the batches that came since the last one.
 * To be read before the folded statistics: what is folded between the two is in both, and the same.
 */
export class JournalTail {
  readonly #read: string;
  #known: ReadonlyMap<string, Tail> = new Map();

  constructor(names: SchemaNames) {
    const unseen = (columns: string): string =>
      `CASE WHEN NOT batch_id = ANY ($1::uuid[]) THEN ${columns} END`;
    const times = `ARRAY(SELECT (extract(epoch FROM t) * 1000000)::float8 FROM unnest(last_times) WITH ORDINALITY AS u (t, n) ORDER BY n)`;
    this.#read = withNames(
      `SELECT batch_id, extract(epoch FROM committed_at)::float8 AS committed_at, ${unseen('series_ids')} AS series_ids,
         ${unseen(times)} AS times, ${unseen('last_values')} AS values
       FROM :"internal".batches`,
      names,
    );
  }

  /** The latest point of each of the series that the journal knows one of. */
  async latest(client: Client): Promise<(seriesIds: ReadonlySet<number>) => ReadonlyMap<number, TailPoint>> {
    const before = this.#known;
    const { rows } = await client.query<Row>(this.#read, [[...before.keys()]]);
    const known = new Map(rows.map((row) => [row.batch_id, before.get(row.batch_id) ?? tailOf(row)]));
    this.#known = known;
    const tails = [...known.values()].sort((one, other) => one.committedAt - other.committedAt);
    return (seriesIds) => newest(tails, seriesIds);
  }
}

function tailOf({ committed_at: committedAt, series_ids: ids, times, values }: Row): Tail {
  return { committedAt, seriesIds: (ids ?? []).map(Number), times: times ?? [], values: values ?? [] };
}

/** Of equal times the point that was committed last. */
function newest(tails: readonly Tail[], wanted: ReadonlySet<number>): Map<number, TailPoint> {
  const latest = new Map<number, TailPoint>();
  for (const { seriesIds, times, values } of tails) {
    for (const [row, seriesId] of seriesIds.entries()) {
      if (!wanted.has(seriesId)) continue;
      const time = times[row] as number;
      if (time >= (latest.get(seriesId)?.time ?? Number.NEGATIVE_INFINITY)) {
        latest.set(seriesId, { time, value: values[row] ?? null });
      }
    }
  }
  return latest;
}
