/**
 * Pages of numbers. Compressed points come as the segments that hold them and are decoded here: in SQL it takes several times
 * as long, of a processor that answers everybody. Whatever the engine, one statement finds the series and reads it.
 */

import type { Client, QueryArrayConfig } from 'pg';
import { mergePoints, pointsWithin } from '../segments/merge.ts';
import { decodeAll, type Points, type Segment } from '../segments/segment.ts';
import { elementsOf } from './binary.ts';
import { isoOf } from '../iso-time.ts';
import { type SchemaNames, withNames } from './names.ts';
import { SEGMENT_RECORD, segmentFrom } from './segment-rows.ts';

/** Points of one series, in order. */
export interface PointPage extends Points {
  /** Up to here, not included, there are no others. */
  readonly end: number;
  /** Whether the metric has numbers, and whether it has texts too. */
  readonly found: { readonly numbers: boolean; readonly texts: boolean };
}

export interface PointQuestion {
  readonly device: string;
  readonly metric: string;
  /** Microseconds since 1970: from <= time < to. */
  readonly from: number;
  readonly to: number;
  /** Points at most. */
  readonly limit: number;
}

/** bytea as it comes, which is what all columns are. */
export const AS_BYTES: QueryArrayConfig['types'] = {
  getTypeParser: () => (text: string) => Buffer.from(text.slice(2), 'hex'),
};
/** An expression over rows in order: their times and their values, each as one array. */
export const ROW_ARRAYS = 'array_send(array_agg(ts)) AS times, array_send(array_agg(value)) AS values';

const SERIES = `SELECT (array_agg(series_id) FILTER (WHERE NOT is_text))[1] AS id,
    coalesce(bool_or(NOT is_text), false) AS numbers, coalesce(bool_or(is_text), false) AS texts
  FROM :"internal".series WHERE device_id = $1 AND metric_name = $2`;
const KINDS = 'boolsend(s.numbers) || boolsend(s.texts) AS kinds';

const DECODED_THERE = `SELECT ${KINDS}, p.times, p.values FROM (${SERIES}) s
  CROSS JOIN LATERAL (
    SELECT ${ROW_ARRAYS} FROM (
      SELECT ts, value FROM :"internal".points_between(s.id, $3, $4) ORDER BY ts LIMIT $5) rows
  ) p`;

/** What points_between reads, with the segments as they are: they follow one another by their ends. */
const DECODED_HERE = `SELECT ${KINDS}, p.times, p.values, c.segments FROM (${SERIES}) s
  CROSS JOIN LATERAL (
    SELECT ${ROW_ARRAYS} FROM (
      SELECT ts, value FROM (
        SELECT h.ts, h.value FROM :"internal".hot_points h WHERE h.series_id = s.id AND h.ts >= $3 AND h.ts < $4
        UNION ALL
        SELECT l.ts, l.value FROM :"internal".points_late l WHERE l.series_id = s.id AND l.ts >= $3 AND l.ts < $4
      ) points ORDER BY ts LIMIT $5) rows
  ) p
  CROSS JOIN LATERAL (
    SELECT string_agg(int4send(length(record)) || record, ''::bytea) AS segments FROM (
      SELECT ${SEGMENT_RECORD} AS record FROM :"internal".segments
      WHERE series_id = s.id AND end_ts >= $3 AND start_ts < $4
        AND start_ts >= date_bin('28 days', $3::timestamptz, timestamptz '2000-01-03 00:00:00+00')
      ORDER BY end_ts LIMIT $6) segments
  ) c`;

/** The first points of the range; `inSegments`: as readsSegments says. */
export async function readPoints(
  client: Client,
  names: SchemaNames,
  { device, metric, from, to, limit }: PointQuestion,
  inSegments: boolean,
): Promise<PointPage> {
  // A segment that is worth one has hundreds of points.
  const mostSegments = 2 + Math.ceil(limit / 250);
  const { rows } = await client.query<[Buffer, Buffer | null, Buffer | null, (Buffer | null)?]>({
    name: `points${inSegments ? ' of segments' : ''}`,
    text: withNames(inSegments ? DECODED_HERE : DECODED_THERE, names),
    values: [device, metric, isoOf(from), isoOf(to), limit, ...(inSegments ? [mostSegments] : [])],
    rowMode: 'array',
    types: AS_BYTES,
  });
  const [kinds, times, values, records = null] = rows[0] ?? [Buffer.of(0, 0), null, null];
  const loose = {
    timestamp: times === null ? new Float64Array() : elementsOf(times, 'timestamptz'),
    value: values === null ? new Float64Array() : elementsOf(values, 'float8'),
  };
  const segments = (records === null ? [] : recordsOf(records)).map((record) => segmentFrom(record).segment);
  let end = to;
  if (loose.timestamp.length === limit) end = (loose.timestamp.at(-1) as number) + 1;
  if (segments.length === mostSegments) end = Math.min(end, (segments.at(-1) as Segment).times.last + 1);
  const all = mergePoints(pointsWithin(loose, from, end), pointsWithin(decodeAll(segments), from, end));
  const page = all.timestamp.length > limit ? firstOf(all, limit) : all;
  if (page !== all) end = (page.timestamp.at(-1) as number) + 1;
  return { ...page, end, found: { numbers: kinds[0] === 1, texts: kinds[1] === 1 } };
}

/** Of records that stand one after the other, each behind its length. */
export function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4;
    at = start + bytes.readInt32BE(at);
    records.push(bytes.subarray(start, at));
  }
  return records;
}

function firstOf({ timestamp, value }: Points, count: number): Points {
  return { timestamp: timestamp.subarray(0, count), value: value.subarray(0, count) };
}
