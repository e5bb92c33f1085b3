import type { Client } from 'pg';
import { elementsOf } from './binary.ts';
import { withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';
import { SERIES_VERSION } from './series-version.ts';
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

/** The end of the journal, and what the rest of the database was like at that moment. */
export interface JournalEnd {
  /** As SERIES_VERSION has it. */
  readonly version: string;
  /** By series id. */
  readonly latest: ReadonlyMap<number, TailPoint>;
}

/** A batch's id and the transaction that wrote its row (xmin): corrections write it anew. */
const KEY = `uuid_send(b.batch_id) || int8send(b.xmin::text::bigint)`;
const KEY_BYTES = 16 + 8;

/**
 * What came since the snapshot whose oldest running transaction was $1, as 64 bits: all before that were over then, and what
 * they had committed was seen. Rows have half of those bits, so they are told apart by age, which counts back from one transaction
 * within a statement; once for all rows ("OFFSET 0"), of which there are hundreds for each that came. The keys of all rows, where
 * some may be gone: $2 is the version that they were read at. One row at least.
 */
const READ = `SELECT v.version, v.oldest::text, CASE WHEN v.version <> $2 THEN (
     SELECT coalesce(string_agg(${KEY}, ''::bytea), '') FROM :"internal".batches b) END,
   ${KEY}, float8send(extract(epoch FROM b.committed_at)::float8), array_send(b.series_ids),
   array_send(b.last_times), array_send(b.last_values)
 FROM (
   SELECT ${SERIES_VERSION} AS version, oldest,
     CASE WHEN oldest - $1::bigint < 2147483648 THEN age(($1::bigint & 4294967295)::text::xid) ELSE 2147483647 END AS since
   FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest) s
   OFFSET 0
 ) v
 LEFT JOIN :"internal".batches b ON age(b.xmin) <= v.since`;

type ReadRow = [
  version: string,
  oldest: string,
  keys: Buffer | null,
  ...batch: [Buffer, Buffer, Buffer, Buffer, Buffer] | [null, null, null, null, null],
];

/**
 * The end of the journal, kept here as far as it was read: a question reads only the batches that came since the last one.
 * To be read before the folded statistics: what is folded between the two is in both, and the same.
 */
export class JournalTail {
  readonly #pool: QueryPool;
  readonly #read: string;
  /** By the keys of rows. */
  #known = new Map<string, Tail>();
  /** By series id; another one where batches were folded, so that who reads it misses none that was there. */
  #latest = new Map<number, TailPoint>();
  /** Of the snapshot that was read last. */
  #version = '';
  #oldest = '0';
  /** One at a time, since each goes on where the one before ended. */
  readonly #reading = new SharedReading<JournalEnd>();

  constructor(pool: QueryPool) {
    this.#pool = pool;
    this.#read = withNames(READ, pool.names);
  }

  /** The latest point of each series that the journal knows one of, as of now or later. Rejects as QueryPool does. */
  async end(): Promise<JournalEnd> {
    return await this.#reading.ask('', () => this.#pool.lend((client) => this.#refresh(client)));
  }

  async #refresh(client: Client): Promise<JournalEnd> {
    const { rows } = await client.query<ReadRow>({
      name: 'journal',
      text: this.#read,
      values: [this.#oldest, this.#version],
      rowMode: 'array',
    });
    const [version, oldest, keys] = rows[0] as ReadRow;
    if (keys !== null) this.#keep(new Set(keysOf(keys)));
    for (const [, , , key, committedAt, seriesIds, times, values] of rows) {
      if (key === null) continue;
      const tail = {
        committedAt: committedAt.readDoubleBE(),
        seriesIds: elementsOf(seriesIds, 'int8'),
        times: elementsOf(times, 'timestamptz'),
        values: elementsOf(values, 'float8'),
      };
      this.#known.set(key.toString('hex'), tail);
      take(this.#latest, tail);
    }
    this.#version = version;
    this.#oldest = oldest;
    return { version, latest: this.#latest };
  }

  #keep(keys: ReadonlySet<string>): void {
    const kept = [...this.#known].filter(([key]) => keys.has(key));
    if (kept.length === this.#known.size) return;
    this.#known = new Map(kept);
    this.#latest = new Map();
    for (const [, tail] of kept) take(this.#latest, tail);
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
