import type { Client } from 'pg';
import type { ChunkRange, Chunks, ChunkSource, ClosedChunk } from './chunks.ts';
import { type SchemaNames, withNames } from './names.ts';
import { checkWritable, SCHEMA_VERSION_COLUMNS, type SchemaVersionRow } from './schema-version.ts';
import type { SeriesHeads } from './series-heads.ts';

export interface ChunkPolicy {
  /** Microseconds. */
  readonly interval: number;
}

interface MapRow extends SchemaVersionRow {
  readonly version: string;
  readonly raw_cut: string;
  readonly text_cut: string;
  /** Null: there is no chunk. */
  readonly source: ChunkSource | null;
  readonly state: 'open' | ClosedChunk['state'];
  readonly from: string;
  readonly to: string;
}

/** Points this much older than now (microseconds) are worth a chunk of their own only if there are many. */
const RECENT = 7 * 86_400_000_000;
/** Where chunks are aligned from: 2000-01-03 UTC, a Monday, as in open_chunk. */
const ORIGIN = 946_857_600_000_000;
/** So many points of one batch in one missing chunk are worth creating it, however old. */
const DENSE = 1000;

/**
 * The chunks, as this process last saw them. `version` is compared inside every writing transaction, under the
 * map's lock, so that acting on an outdated copy is impossible.
 */
export class ChunkMap implements Chunks {
  readonly #names: SchemaNames;
  readonly #policy: ChunkPolicy;
  readonly #now: () => number;
  readonly #heads: SeriesHeads | null;
  #version = -1;
  #open: Record<ChunkSource, ChunkRange[]> = { points: [], texts: [] };
  #closed: ClosedChunk[] = [];
  #cut: Record<ChunkSource, number> = { points: Number.NEGATIVE_INFINITY, texts: Number.NEGATIVE_INFINITY };

  /** `now` in microseconds since 1970. `heads`: read anew with the map, of whose version they are. */
  constructor(names: SchemaNames, policy: ChunkPolicy, now: () => number, heads: SeriesHeads | null = null) {
    this.#names = names;
    this.#policy = policy;
    this.#now = now;
    this.#heads = heads;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether an open chunk takes points of that time. */
  covers(source: ChunkSource, time: number): boolean {
    return covering(this.#open[source], time) !== undefined;
  }

  /** The open chunk that takes points of that time. */
  openChunk(time: number): ChunkRange | undefined {
    return covering(this.#open.points, time);
  }

  /** The chunk of points that covers a time and takes none any more: points of it are written late. */
  closed(time: number): ClosedChunk | undefined {
    return covering(this.#closed, time);
  }

  /** Retention deletes what is older (microseconds since 1970). */
  cut(source: ChunkSource): number {
    return this.#cut[source];
  }

  async reload(client: Client): Promise<void> {
    const { rows } = await client.query<MapRow>(
      withNames(
        `SELECT m.version, extract(epoch FROM m.raw_cut) * 1000000 AS raw_cut,
           extract(epoch FROM m.text_cut) * 1000000 AS text_cut, ${SCHEMA_VERSION_COLUMNS}, c.source, c.state,
           extract(epoch FROM c.range_start) * 1000000 AS "from", extract(epoch FROM c.range_end) * 1000000 AS "to"
         FROM :"internal".chunk_map m LEFT JOIN :"internal".chunks c ON c.source IN ('points', 'texts')
         ORDER BY c.range_start DESC`,
        this.#names,
      ),
    );
    const open: Record<ChunkSource, ChunkRange[]> = { points: [], texts: [] };
    const closed: ClosedChunk[] = [];
    for (const { source, state, ...range } of rows) {
      if (source === null) continue;
      const [from, to] = [Math.round(Number(range.from)), Math.round(Number(range.to))];
      if (state === 'open') open[source].push({ from, to });
      else closed.push({ from, to, state });
    }
    const [first] = rows;
    if (first !== undefined) checkWritable(first);
    const version = Number(first?.version ?? -1);
    await this.#heads?.reload(client, version);
    this.#open = open;
    this.#closed = closed;
    this.#cut = { points: Number(first?.raw_cut), texts: Number(first?.text_cut) };
    this.#version = version;
  }

  /**
   * Opens the chunks that these times need: those of the last days at once, older ones where the batch is dense
   * there. Old and sparse points go to the late table instead of having a partition each.
   */
  async open(client: Client, source: ChunkSource, times: ArrayLike<number>): Promise<void> {
    const wanted = new Map<number, { readonly time: number; count: number }>();
    // Nearly always the next point lies in the chunk of the one before.
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < times.length; row++) {
      const time = times[row] as number;
      if (time >= from && time < to) continue;
      const range = covering(this.#open[source], time);
      if (range !== undefined) ({ from, to } = range);
      if (range !== undefined || time < this.#cut[source]) continue;
      if (source === 'points' && this.closed(time) !== undefined) continue;
      const slot = Math.floor((time - ORIGIN) / this.#policy.interval);
      const known = wanted.get(slot);
      if (known === undefined) wanted.set(slot, { time, count: 1 });
      else known.count++;
    }
    const recent = this.#now() - RECENT;
    const worthy = [...wanted.values()].filter(({ time, count }) => time > recent || count >= DENSE);
    for (const { time } of worthy) await this.#openOne(client, source, time);
    if (worthy.length > 0) await this.reload(client);
  }

  /** Opens the chunks of now and of the next interval, so that no batch has to wait for them. */
  async openAhead(client: Client): Promise<void> {
    const now = this.#now();
    await this.reload(client);
    for (const source of ['points', 'texts'] as const)
      await this.open(client, source, [now, now + this.#policy.interval]);
  }

  async #openOne(client: Client, source: ChunkSource, time: number): Promise<void> {
    await client.query(
      withNames(
        `SELECT :"internal".open_chunk($1, to_timestamp($2::double precision / 1000000), make_interval(secs => $3))`,
        this.#names,
      ),
      [source, time, this.#policy.interval / 1e6],
    );
  }
}

/** By bisection: ranges do not overlap and are there the latest first. */
function covering<Range extends ChunkRange>(ranges: readonly Range[], time: number): Range | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle] as Range).from > time) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && time < found.to ? found : undefined;
}
