import type { Client } from 'pg';
import { elementsOf } from './binary.ts';
import { withNames } from './names.ts';
import { AS_BYTES } from './point-pages.ts';
import type { QueryPool } from './query-pool.ts';
import { SharedReading } from './shared-reading.ts';

/** What a batch that is not folded yet brought of each of its series: the latest point. */
interface Tail {
  /** In the order of commits. */
  readonly committedAt: number;
  readonly seriesIds: Float64Array;
  /** Microseconds since 1970. */
  readonly times: Float64Array;
  /** NaN for a text too. */
  readonly values: Float64Array;
}

/** The latest point that batches brought. */
export interface TailPoint {
  readonly time: number;
  readonly value: number;
  readonly committedAt: number;
}

/** A batch's id and the transaction that wrote its row (xmin): corrections write it anew. */
const KEY = `uuid_send(batch_id) || int8send(xmin::text::bigint)`;
const UUID_BYTES = 16;
const KEY_BYTES = UUID_BYTES + 8;

/**
 * The end of the journal, kept here as far as it was read: a question reads only the batches that came since the last one.
 * To be read before the folded statistics: what is folded between the two is in both, and the same.
 */
export class JournalTail {
  readonly #pool: QueryPool;
  readonly #list: string;
  readonly #read: string;
  /** By the keys of rows. */
  #known = new Map<string, Tail>();
  /** By series id; another one where batches were folded, so that who reads it misses none that was there. */
  #latest = new Map<number, TailPoint>();
  /** One at a time, since each goes on where the one before ended. */
  readonly #reading = new SharedReading<ReadonlyMap<number, TailPoint>>();

  constructor(pool: QueryPool) {
    this.#pool = pool;
    const named = (sql: string): string => withNames(sql, pool.names);
    this.#list = named(`SELECT string_agg(${KEY}, ''::bytea) AS keys FROM :"internal".batches`);
    this.#read = named(
      `SELECT ${KEY}, float8send(extract(epoch FROM committed_at)::float8), array_send(series_ids),
         array_send(last_times), array_send(last_values)
       FROM :"internal".batches WHERE batch_id = ANY ($1::uuid[])`,
    );
  }

  /**
   * The latest point of each series that the journal knows one of, by series id, as of now or later. Rejects as
   * QueryPool does.
   */
  async latest(): Promise<ReadonlyMap<number, TailPoint>> {
    return await this.#reading.ask('', () => this.#pool.lend((client) => this.#refresh(client)));
  }

  async #refresh(client: Client): Promise<ReadonlyMap<number, TailPoint>> {
    const { rows } = await client.query<[Buffer | null]>({
      name: 'journal: keys',
      text: this.#list,
      values: [],
      rowMode: 'array',
      types: AS_BYTES,
    });
    const keys = keysOf(rows[0]?.[0] ?? Buffer.alloc(0));
    const unknown = keys.filter((key) => !this.#known.has(key));
    const added = unknown.length === 0 ? [] : await this.#tails(client, unknown);
    if (keys.length - unknown.length < this.#known.size) {
      const kept = keys.flatMap((key) => {
        const tail = this.#known.get(key);
        return tail === undefined ? [] : ([[key, tail]] as const);
      });
      this.#known = new Map(kept);
      this.#latest = new Map();
      for (const [, tail] of kept) take(this.#latest, tail);
    }
    for (const [key, tail] of added) {
      this.#known.set(key, tail);
      take(this.#latest, tail);
    }
    return this.#latest;
  }

  async #tails(client: Client, keys: readonly string[]): Promise<(readonly [string, Tail])[]> {
    const { rows } = await client.query<[Buffer, Buffer, Buffer, Buffer, Buffer]>({
      name: 'journal: batches',
      text: this.#read,
      // Hexadecimal, which PostgreSQL reads as uuid.
      values: [keys.map((key) => key.slice(0, 2 * UUID_BYTES))],
      rowMode: 'array',
      types: AS_BYTES,
    });
    return rows.map(([key, committedAt, seriesIds, times, values]) => [
      key.toString('hex'),
      {
        committedAt: committedAt.readDoubleBE(),
        seriesIds: elementsOf(seriesIds, 'int8'),
        times: elementsOf(times, 'timestamptz'),
        values: elementsOf(values, 'float8'),
      },
    ]);
  }
}

/** In hexadecimal. */
function keysOf(bytes: Buffer): string[] {
  const text = bytes.toString('hex');
  return Array.from({ length: bytes.length / KEY_BYTES }, (_, index) =>
    text.slice(index * 2 * KEY_BYTES, (index + 1) * 2 * KEY_BYTES),
  );
}

/** Of equal times the point that was committed last. */
function take(latest: Map<number, TailPoint>, { committedAt, seriesIds, times, values }: Tail): void {
  for (let row = 0; row < seriesIds.length; row++) {
    const seriesId = seriesIds[row] as number;
    const time = times[row] as number;
    const known = latest.get(seriesId);
    if (
      known !== undefined &&
      (known.time > time || (known.time === time && known.committedAt > committedAt))
    )
      continue;
    latest.set(seriesId, { time, value: values[row] as number, committedAt });
  }
}
