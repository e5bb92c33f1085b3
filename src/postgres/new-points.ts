import type { Client } from 'pg';
import { isoOf } from '../iso-time.ts';
import {
  type Arrivals,
  type Arrived,
  arrivalsSince,
  arrivedBySeries,
  type JournalPlace,
  journalPlace,
  FOLLOW,
} from './journal-arrivals.ts';
import type { SeriesShown } from './known-series.ts';
import { type LateRange, lateRanges } from './late-arrivals.ts';
import type { LatestPoints, LatestQuestion, SeriesPlace } from './latest-points.ts';
import { type PointRange, pointsWithin, type StoredPoint } from './point-ranges.ts';
import type { QueryPool } from './query-pool.ts';

/** Series of a page. */
const SERIES = 10_000;

export interface NewPointsOptions {
  readonly pool: QueryPool;
  /** One for all, as it keeps names and the journal's end. */
  readonly latest: LatestPoints;
  readonly question: Omit<LatestQuestion, 'tags' | 'after' | 'limit'>;
  /** Points that one look brings at most, the latest ones. */
  readonly limit: number;
  /** Milliseconds between two looks from which on rows of the journal may be gone that neither has seen. */
  readonly patience: number;
}

/** Points that came late, among others of their series which they cannot be told from. Times in microseconds since 1970. */
interface LatePoints extends LateRange {
  readonly deviceId: string;
  readonly metricName: string;
}

interface News {
  /** Points more than the limit. */
  readonly lost: number;
  /** As ISO 8601: late points that were stored since then may be missing. Null: none are. */
  readonly unseen: string | null;
  readonly late: readonly LatePoints[];
  readonly points: readonly StoredPoint[];
}

/** A series and the time of its latest point, microseconds since 1970. */
interface Seen {
  readonly series: SeriesShown;
  readonly to: number;
}

interface Look {
  readonly seen: ReadonlyMap<number, Seen>;
  readonly place: JournalPlace;
  /** The batches that it found. */
  readonly batches: readonly Arrivals[];
}

/**
 * Follows what is stored of series. Points after the latest that was seen are new; of those before it, the journal says how
 * many came and between which times: where no others are there they are told too, and else that they came.
 */
export class NewPoints {
  readonly #options: NewPointsOptions;
  #last: Look | null = null;

  constructor(options: NewPointsOptions) {
    this.#options = options;
  }

  /** None at the first look. Rejects as QueryPool does; the next look then has what this one would have had. */
  async take(signal: AbortSignal): Promise<News> {
    const { pool } = this.#options;
    const seen = await this.#latest(signal);
    return await pool.lend(async (client) => {
      await client.query(FOLLOW);
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      try {
        return await this.#look(client, seen);
      } finally {
        await client.query('COMMIT');
      }
    });
  }

  async #latest(signal: AbortSignal): Promise<Map<number, Seen>> {
    const seen = new Map<number, Seen>();
    let after: SeriesPlace | null = null;
    do {
      signal.throwIfAborted();
      const { latest, question } = this.#options;
      const page: Awaited<ReturnType<LatestPoints['page']>> = await latest.page({
        ...question,
        after,
        limit: SERIES,
      });
      for (const [row, series] of page.series.entries())
        seen.set(page.ids[row] as number, { series, to: page.times[row] as number });
      after = page.next;
    } while (after !== null);
    return seen;
  }

  /** `seen`: of a moment before that of the client's snapshot. */
  async #look(client: Client, seen: Map<number, Seen>): Promise<News> {
    const { pool, limit, patience } = this.#options;
    const last = this.#last;
    const place = await journalPlace(client, pool.names);
    if (last === null) {
      this.#last = { seen, place, batches: [] };
      return { lost: 0, unseen: null, late: [], points: [] };
    }
    const batches = await arrivalsSince(client, pool.names, last.place);
    const arrived = arrivedBySeries(batches, (id) => seen.has(id));
    // What the look before this one did not know yet it may have seen batches of.
    const isNew = (id: number) => seen.has(id) && !last.seen.has(id);
    for (const [id, its] of arrivedBySeries(last.batches, isNew))
      arrived.set(id, [...(arrived.get(id) ?? []), ...its]);
    for (const [id, its] of arrived) {
      const { series, to } = seen.get(id) as Seen;
      seen.set(id, { series, to: Math.max(to, ...its.map((one) => one.last)) });
    }
    const grown = grownOf(seen, last.seen, arrived);
    const later = await pointsWithin(client, pool.names, grown.ranges, 2 * limit);
    const all = later.flat();
    const isWhole = all.length < 2 * limit;
    const { late, points } = isWhole
      ? await this.#late(client, lateOf(last.seen, arrived, grown.ids, later))
      : { late: [], points: [] };
    all.push(...points);
    all.sort((left, right) => left.timestamp - right.timestamp);
    const kept = all.slice(-limit);
    this.#last = { seen, place, batches };
    return {
      // Of more than were asked for the journal knows the number.
      lost: Math.max(all.length, isWhole ? 0 : countOf(arrived)) - kept.length,
      unseen: place.at - last.place.at < patience ? null : isoOf(Math.floor(last.place.at * 1000)),
      late,
      points: kept,
    };
  }

  /** Those that are alone in their ranges as points. */
  async #late(
    client: Client,
    ranges: readonly (LateRange & { readonly series: SeriesShown })[],
  ): Promise<Pick<News, 'late' | 'points'>> {
    const { pool, limit } = this.#options;
    let room = limit;
    const looked = ranges.filter(({ count }) => (room -= count + 1) >= 0);
    const asked = looked.map(({ series, first, last, count }) => ({
      series,
      after: first - 1,
      to: last,
      most: count + 1,
    }));
    const found = await pointsWithin(client, pool.names, asked, limit);
    const told = new Set(looked.filter(({ count }, row) => (found[row]?.length ?? 0) <= count));
    return {
      points: found.filter((_, row) => told.has(looked[row] as (typeof looked)[number])).flat(),
      late: ranges
        .filter((range) => !told.has(range))
        .map(({ series: { device_id: deviceId, metric_name: metricName }, first, last, count }) => ({
          deviceId,
          metricName,
          first,
          last,
          count,
        })),
    };
  }
}

/** Ranges of points that are sure to be new, and whose they are. */
function grownOf(
  seen: ReadonlyMap<number, Seen>,
  before: ReadonlyMap<number, Seen>,
  arrived: ReadonlyMap<number, readonly Arrived[]>,
): { readonly ids: readonly number[]; readonly ranges: readonly PointRange[] } {
  const ids: number[] = [];
  const ranges: PointRange[] = [];
  for (const [id, { series, to }] of seen) {
    // All of a new series is new, but where the journal has nothing of it only its latest point is sure to be.
    const first = Math.min(to, ...(arrived.get(id) ?? []).map((one) => one.first));
    const after = before.get(id)?.to ?? first - 1;
    if (after >= to) continue;
    ids.push(id);
    ranges.push({ series, after, to, most: null });
  }
  return { ids, ranges };
}

/** `later`: of the series of `ids` the points after the latest before. */
function lateOf(
  before: ReadonlyMap<number, Seen>,
  arrived: ReadonlyMap<number, readonly Arrived[]>,
  ids: readonly number[],
  later: readonly (readonly StoredPoint[])[],
): (LateRange & { readonly series: SeriesShown })[] {
  const counts = new Map(ids.map((id, row) => [id, later[row]?.length ?? 0]));
  return [...arrived].flatMap(([id, its]) => {
    const known = before.get(id);
    if (known === undefined) return [];
    const ranges = lateRanges(its, known.to, counts.get(id) ?? 0);
    return ranges.map((range) => ({ ...range, series: known.series }));
  });
}

function countOf(arrived: ReadonlyMap<number, readonly Arrived[]>): number {
  return [...arrived.values()].flat().reduce((sum, { points }) => sum + points, 0);
}
