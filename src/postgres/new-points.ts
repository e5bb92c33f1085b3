import type { LatestPoints, LatestQuestion, SeriesPlace } from './latest-points.ts';
import { moment } from './moments.ts';
import { withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';

/** Series of a page. */
const SERIES = 10_000;

interface NewPoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  /** Microseconds since 1970. */
  readonly timestamp: number;
}

/** A series that has later points than were known; times in microseconds since 1970. */
interface Grown extends SeriesPlace {
  readonly from: number;
  readonly to: number;
}

/** Follows the latest points of series: those after the latest that was seen are new. Older ones that come late are not found. */
export class NewPoints {
  readonly #pool: QueryPool;
  readonly #latest: LatestPoints;
  readonly #question: Omit<LatestQuestion, 'tags' | 'after' | 'limit'>;
  readonly #limit: number;
  /** By series the time of its latest point; null before the first look. */
  #seen: ReadonlyMap<string, number> | null = null;

  /** `latest`: one for all, as it keeps names and the journal's end. `limit`: points that one look brings at most, the latest ones. */
  constructor(
    pool: QueryPool,
    latest: LatestPoints,
    question: Omit<LatestQuestion, 'tags' | 'after' | 'limit'>,
    limit: number,
  ) {
    this.#pool = pool;
    this.#latest = latest;
    this.#question = question;
    this.#limit = limit;
  }

  /** None at the first look. `lost`: more than the limit. Rejects as QueryPool does. */
  async take(signal: AbortSignal): Promise<{ readonly lost: number; readonly points: readonly NewPoint[] }> {
    const seen = new Map<string, number>();
    const grown: Grown[] = [];
    let place: SeriesPlace | null = null;
    do {
      signal.throwIfAborted();
      const page: Awaited<ReturnType<LatestPoints['page']>> = await this.#latest.page({
        ...this.#question,
        after: place,
        limit: SERIES,
      });
      for (const [row, { device_id: deviceId, metric_name: metricName, kind }] of page.series.entries()) {
        const series = { deviceId, metricName, text: kind === 'text' };
        const key = JSON.stringify(series);
        const to = page.times[row] as number;
        const from = this.#seen?.get(key);
        seen.set(key, to);
        // All of a new series is new, but only its latest point is sure to be.
        if (this.#seen !== null && (from === undefined || from < to))
          grown.push({ ...series, from: from ?? to - 1, to });
      }
      place = page.next;
    } while (place !== null);
    const [numbers, texts] = [grown.filter(({ text }) => !text), grown.filter(({ text }) => text)];
    const points = [...(await this.#points(numbers, false)), ...(await this.#points(texts, true))];
    this.#seen = seen;
    points.sort((left, right) => left.timestamp - right.timestamp);
    const kept = points.slice(-this.#limit);
    return { lost: points.length - kept.length, points: kept };
  }

  async #points(grown: readonly Grown[], text: boolean): Promise<NewPoint[]> {
    if (grown.length === 0) return [];
    const [from, to] = [moment('(w.seen + 1)'), moment('(w.latest + 1)')];
    const stored = text
      ? `SELECT t.value, t."timestamp" AS ts FROM :"schema".iot_text t
         WHERE t.device_id = w.device_id AND t.metric_name = w.metric_name AND t."timestamp" >= ${from} AND t."timestamp" < ${to}`
      : `SELECT p.value, p.ts FROM :"internal".series s
         CROSS JOIN LATERAL :"internal".points_between(s.series_id, ${from}, ${to}) p
         WHERE s.device_id = w.device_id AND s.metric_name = w.metric_name AND NOT s.is_text`;
    const { rows } = await this.#pool.lend((client) =>
      client.query<{ place: string; value: number | string; time: string }>(
        withNames(
          `SELECT w.place, p.value, (extract(epoch FROM p.ts) * 1000000)::bigint AS time
           FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
             AS w (device_id, metric_name, seen, latest, place)
           CROSS JOIN LATERAL (${stored}) p ORDER BY p.ts DESC LIMIT $5`,
          this.#pool.names,
        ),
        [
          grown.map(({ deviceId }) => deviceId),
          grown.map(({ metricName }) => metricName),
          grown.map((series) => series.from),
          grown.map((series) => series.to),
          2 * this.#limit,
        ],
      ),
    );
    return rows.map(({ place, value, time }) => {
      const { deviceId, metricName } = grown[Number(place) - 1] as Grown;
      return { deviceId, metricName, value, timestamp: Number(time) };
    });
  }
}
