/** What the endpoints under /stats answer. */

import { Type } from 'typebox';
import { count, orNull, Success, text, time } from './schema-parts.ts';

const Limit = (maximum: number, description: string) =>
  Type.Integer({ minimum: 0, maximum, default: 0, description });
const DeviceId = text('The device.');

export const AccountQuerySchema = Type.Object({
  minutes: Limit(1_440, 'Adds the sums of so many minutes.'),
  conflicts: Limit(1_000, 'Adds so many series of which a second value came under a stored key.'),
  devices: Limit(10_000, 'Adds the sums of the last hour (to ten minutes) of so many devices.'),
});

const MESSAGE_OUTCOMES = {
  settled: count('All of their points are stored, or were there already.'),
  ignored: count('They carried no value.'),
  dead_lettered: count('Kept as dead letters, whole or in part.'),
  dropped: count('Not stored on purpose: by policy, or under pressure.'),
};
const STORED = count('Stored.');
const DUPLICATE = count('There already, with the same value.');
const CONFLICT = count('A second value for a device, metric and time that has one.');
const POINT_OUTCOMES = {
  stored: STORED,
  duplicate: DUPLICATE,
  conflict: CONFLICT,
  dead_lettered: count('Lost to dead letters, which can be replayed.'),
  dropped: count('Not stored on purpose.'),
};
const IN_HAND = {
  in_flight: count('In hand: neither committed nor in the spool.'),
  spooled: count('In the spool.'),
};
const DECODED = count('Points that the messages carried.');

export const IngestStatsSchema = Type.Object(
  {
    since: time('Since when the totals count.'),
    balanced: Type.Boolean({
      description: 'Whether received and decoded equal the sums of what follows them.',
    }),
    messages: Type.Object(
      { received: count('Messages that came from the broker.'), ...MESSAGE_OUTCOMES, ...IN_HAND },
      { description: 'What became of every message.' },
    ),
    points: Type.Object(
      { decoded: DECODED, ...POINT_OUTCOMES, ...IN_HAND },
      { description: 'What became of every point.' },
    ),
    minutes: Type.Optional(
      Type.Array(
        Type.Object({
          minute: time('When it begins; messages count in the minute of their commit.'),
          messages: Type.Object(MESSAGE_OUTCOMES, { description: 'What became of the messages.' }),
          points: Type.Object(
            { decoded: DECODED, ...POINT_OUTCOMES },
            { description: 'What became of the points.' },
          ),
        }),
        { description: 'In order; minutes without a commit are left out.' },
      ),
    ),
    conflicts: Type.Optional(
      Type.Array(
        Type.Object({
          device_id: DeviceId,
          metric_name: text('The metric.'),
          conflicts: count('Second values under a key of the series that is stored.'),
          last_at: time('When the last of them was committed.'),
        }),
        { description: 'Those with most first.' },
      ),
    ),
    devices: Type.Optional(
      Type.Array(
        Type.Object({ device_id: DeviceId, stored: STORED, duplicate: DUPLICATE, conflict: CONFLICT }),
        { description: 'Points; those with most first.' },
      ),
    ),
  },
  { title: 'IngestStats' },
);

const Time = Type.String({ format: 'date-time' });

export const CollectedSchema = Type.Object(
  {
    total_points: count('Points, numbers and texts.'),
    device_count: count('Devices that they are of.'),
    metric_count: count('Names of metrics that they have.'),
    earliest_point: orNull(Time, 'The earliest of their times; null without points.'),
    latest_point: orNull(Time, 'The latest of their times; null without points.'),
  },
  { title: 'Collected' },
);

export const CollectionSchema = Type.Object(
  {
    success: Success,
    data: Type.Object(CollectedSchema.properties, {
      description:
        'Points that were stored in the last hour (sixty whole minutes and the running one), whatever their times.',
    }),
    ever: Type.Object(CollectedSchema.properties, {
      description: 'Points that the series hold, as iot_series counts them.',
    }),
    as_of: Type.String({ format: 'date-time', description: 'When it was added up.' }),
  },
  { title: 'Collection' },
);

export const RateQuerySchema = Type.Object({
  minutes: Type.Integer({
    minimum: 1,
    maximum: 1_440,
    default: 60,
    description: 'Of how many whole minutes; the running one is none of them.',
  }),
});

export const RateSchema = Type.Object({
  minute: time('When it begins; points count in the minute of their commit.'),
  points: count('Points that were stored in it, by all daemons.'),
  points_per_second: Type.Number({ description: 'points / 60.' }),
});

export const IngestionRateSchema = Type.Object(
  {
    success: Success,
    points_per_second: Type.Number({ description: 'Of the last whole minute.' }),
    data: Type.Array(RateSchema, { description: 'In order, minutes without a point too.' }),
    count: count('Minutes.'),
  },
  { title: 'IngestionRate' },
);

export const QueryPerformanceSchema = Type.Object(
  {
    query_type: text('What was asked: metrics_raw, latest and the like.'),
    execution_count: count('How often.'),
    avg_duration_ms: Type.Number({ description: 'How long it took on average, in milliseconds.' }),
    p95_duration_ms: Type.Number({ description: 'Nineteen of twenty took no longer, in milliseconds.' }),
    avg_result_count: Type.Number({ description: 'Rows of the answer, on average.' }),
  },
  { title: 'QueryPerformance' },
);

export const QueriesSchema = Type.Object(
  {
    success: Success,
    data: Type.Array(QueryPerformanceSchema, { description: 'The slowest on average first.' }),
    count: count('Types of questions.'),
  },
  { title: 'Queries' },
);
