import { Type } from 'typebox';
import { count, Success } from './schema-parts.ts';
import { BUCKET_FORMS, TIME_FORMS } from './times.ts';

export const GRANULARITIES = ['raw', '1min', '15min', '1hour', '1day', 'auto'] as const;
export const AGGREGATES = [
  'avg',
  'min',
  'max',
  'sum',
  'count',
  'first',
  'last',
  'seconds_true',
  'seconds_false',
] as const;
export const FILLS = ['null', 'previous', 'none'] as const;
export const FORMATS = ['json', 'ndjson', 'csv'] as const;

/** PostgreSQL holds no NUL. */
const Name = Type.String({ minLength: 1, pattern: String.raw`^[^\0]*$` });

export const DeviceIdSchema = Type.String({ description: 'A slash in it is %2F, or use /api/metrics.' });

export const DeviceIdsSchema = Type.Array(Name, {
  minItems: 1,
  maxItems: 100,
  description: 'Which devices: repeat it for several.',
});

const Time = (what: string) =>
  Type.String({ minLength: 1, maxLength: 40, description: `${what}: ${TIME_FORMS}.` });

export const METRIC_PARAMETERS = {
  metric_name: Type.Array(Name, {
    minItems: 1,
    maxItems: 100,
    description: 'Which metrics: repeat it for several.',
  }),
  start_time: Time('From when on'),
  end_time: Time('Until when, not included'),
  granularity: Type.Optional(
    Type.Enum([...GRANULARITIES], {
      description:
        'raw: the points; else buckets that begin in the range; auto: the finest of all that gives at most max_points rows of each series. Default: 1min.',
    }),
  ),
  bucket: Type.Optional(
    Type.String({
      maxLength: 10,
      description: `Buckets of another length, in place of granularity: ${BUCKET_FORMS}.`,
    }),
  ),
  tz: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'Buckets longer than an hour follow the clock of this time zone, such as Europe/Berlin. Default: UTC.',
    }),
  ),
  agg: Type.Optional(
    Type.Enum([...AGGREGATES], {
      description:
        'What value says of a bucket; seconds_true and seconds_false: how long a series of the kind state was 1, and 0. Default: avg.',
    }),
  ),
  fill: Type.Optional(
    Type.Enum([...FILLS], {
      description:
        'Buckets without points: left out (none, the default), or with the value null, or with that of the bucket before in the range (previous; also where a bucket has only NaN to add up). Their count is 0.',
    }),
  ),
  max_points: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, description: 'With granularity=auto only. Default: 2000.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Rows at most, with granularity=raw only. Default: 10000 in JSON, else none.',
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 8_000,
      description: 'next_cursor of the answer before, to the same question.',
    }),
  ),
  format: Type.Optional(
    Type.Enum([...FORMATS], {
      description: 'Default: what Accept names (text/csv, application/x-ndjson), else json.',
    }),
  ),
};

const MetricRow = Type.Object(
  {
    device_id: Type.Optional(Type.String({ description: 'Where several were asked for.' })),
    metric_name: Type.Optional(Type.String({ description: 'Where several were asked for.' })),
    timestamp: Type.String({
      format: 'date-time',
      description: 'Of the point, or the beginning of the bucket; microseconds, UTC.',
    }),
    value: Type.Union([Type.Number(), Type.String(), Type.Null()], {
      description:
        'JSON has no such numbers: "NaN", "Infinity" and "-Infinity" are texts. Points of text metrics are texts. null: an empty bucket, or one with nothing to add up.',
    }),
  },
  { title: 'MetricRow' },
);

export const MetricAnswerSchema = Type.Object(
  {
    success: Success,
    data: Type.Array(MetricRow, { description: 'By device, metric and time.' }),
    count: count('Rows of the answer.'),
    granularity: Type.String({ description: 'raw, 1min, 15min, 1hour, 1day, or the length of the buckets.' }),
    next_cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'For the rows after these; null: there are none.',
    }),
    duration_ms: Type.Number({ description: 'Milliseconds from the question to the end of its answer.' }),
  },
  { title: 'MetricAnswer' },
);
