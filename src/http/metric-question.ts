/** What a query string asks for, or what is wrong with it. */

import type { Static } from 'typebox';
import { Type } from 'typebox';
import { TidegateError } from '../errors.ts';
import {
  type AGGREGATES,
  type FILLS,
  type FORMATS,
  type GRANULARITIES,
  METRIC_PARAMETERS,
} from './metric-schemas.ts';
import type { MetricBuckets, MetricPosition, MetricQuestion } from './ports.ts';
import { BUCKET_FORMS, type Bucket, readBucket, readTime, TIME_FORMS } from './times.ts';

const Asked = Type.Object(METRIC_PARAMETERS);
/** Enums are read as their values, which typebox takes for any text. */
export type MetricQuery = Omit<Static<typeof Asked>, 'granularity' | 'agg' | 'fill' | 'format'> & {
  readonly granularity?: (typeof GRANULARITIES)[number];
  readonly agg?: (typeof AGGREGATES)[number];
  readonly fill?: (typeof FILLS)[number];
  readonly format?: (typeof FORMATS)[number];
};

const LIMIT = 10_000;
const MAX_POINTS = 2_000;
/** Of each series, where empty ones are filled. */
const MOST_BUCKETS = 1_000_000;

const MINUTE = 60_000_000;
const LEVELS: Readonly<Record<Exclude<MetricQuery['granularity'], 'raw' | 'auto' | undefined>, Bucket>> = {
  '1min': { name: '1min', interval: '1 minute', width: MINUTE },
  '15min': { name: '15min', interval: '15 minutes', width: 15 * MINUTE },
  '1hour': { name: '1hour', interval: '1 hour', width: 60 * MINUTE },
  '1day': { name: '1day', interval: '1 day', width: 1_440 * MINUTE },
};

/** `now`: milliseconds since 1970. Throws a `usage` that begins with the parameter's name. */
export function readQuestion(
  devices: readonly string[],
  query: MetricQuery,
  format: (typeof FORMATS)[number],
  now: number,
): MetricQuestion {
  const from = timeOf('start_time', query.start_time, now);
  const to = timeOf('end_time', query.end_time, now);
  if (to < from) throw wrong('end_time', 'it is before start_time');
  const scope = {
    devices: [...new Set(devices)],
    metrics: [...new Set(query.metric_name)],
    from,
    to,
  };
  if (query.bucket === undefined && query.granularity === 'raw') {
    const wanted = pointsOf(query, format);
    const { after } = wanted;
    // Of other times it may be: now-6h is later with every page.
    if (after !== null && !(scope.devices.includes(after.device) && scope.metrics.includes(after.metric))) {
      throw wrong('cursor', 'the next_cursor of a question about other devices or metrics');
    }
    return { ...scope, wanted };
  }
  return { ...scope, wanted: bucketsOf(query, to - from) };
}

function pointsOf(query: MetricQuery, format: string): Exclude<MetricQuestion['wanted'], MetricBuckets> {
  for (const name of ['agg', 'fill', 'tz', 'max_points'] as const) {
    if (query[name] !== undefined) throw wrong(name, 'granularity=raw has no buckets');
  }
  const after = query.cursor === undefined ? null : readCursor(query.cursor);
  return { limit: query.limit ?? (format === 'json' ? LIMIT : null), after };
}

function bucketsOf(query: MetricQuery, length: number): MetricBuckets {
  const { agg = 'avg', fill = 'none', tz = 'UTC', granularity = '1min' } = query;
  if (query.bucket !== undefined && query.granularity !== undefined) {
    throw wrong('bucket', 'it stands in place of granularity; give one of them');
  }
  for (const name of ['limit', 'cursor'] as const) {
    if (query[name] !== undefined) throw wrong(name, 'only with granularity=raw');
  }
  if (!isTimeZone(tz)) throw wrong('tz', 'not a time zone; a name such as Europe/Berlin or UTC is');
  if (query.bucket === undefined && granularity === 'auto') {
    return { bucket: { maxPoints: query.max_points ?? MAX_POINTS }, agg, fill, tz };
  }
  if (query.max_points !== undefined) throw wrong('max_points', 'only with granularity=auto');
  const bucket =
    query.bucket === undefined ? LEVELS[granularity as keyof typeof LEVELS] : readBucket(query.bucket);
  if (bucket === null) throw wrong('bucket', `not a length of time; it is ${BUCKET_FORMS}`);
  if (fill !== 'none' && length / bucket.width > MOST_BUCKETS) {
    throw wrong('fill', `more than ${MOST_BUCKETS} buckets; ask for a shorter time or longer buckets`);
  }
  return { bucket, agg, fill, tz };
}

function timeOf(name: 'start_time' | 'end_time', text: string, now: number): number {
  const time = readTime(text, now);
  if (time === null) throw wrong(name, `not a time; it is ${TIME_FORMS}`);
  return time;
}

/** A name alone: an offset would mean its opposite to PostgreSQL. */
function isTimeZone(name: string): boolean {
  // To make a format takes longer than all else that a short answer does.
  if (name === 'UTC') return true;
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export function cursorAfter({ device, metric, text, time }: MetricPosition): string {
  return Buffer.from(JSON.stringify([device, metric, text, time])).toString('base64url');
}

function readCursor(cursor: string): MetricPosition {
  try {
    const found: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(found)) {
      const [device, metric, text, time] = found as unknown[];
      if (
        typeof device === 'string' &&
        typeof metric === 'string' &&
        typeof text === 'boolean' &&
        Number.isSafeInteger(time)
      ) {
        return { device, metric, text, time: time as number };
      }
    }
  } catch {
    // Said below.
  }
  throw wrong('cursor', 'not the next_cursor of an answer');
}

function wrong(parameter: string, what: string): TidegateError {
  return new TidegateError('usage', `${parameter}: ${what}`);
}
