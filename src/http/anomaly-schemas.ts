import { Type } from 'typebox';
import { NumberSchema } from './numbers.ts';
import { Success } from './schema-parts.ts';

const HOUR_MAXIMUM = 876_000;
/** PostgreSQL holds no text with a NUL, so nothing is called so. */
const Name = { minLength: 1, pattern: String.raw`^[^\0]+$` };

export const AnomalyQuestionSchema = Type.Object({
  metric_name: Type.String({ ...Name, description: 'A metric of the device whose values are numbers.' }),
  hours: Type.Number({
    exclusiveMinimum: 0,
    maximum: HOUR_MAXIMUM,
    default: 24,
    description: 'How far back the points reach that say what is usual.',
  }),
  threshold: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1e6,
    default: 3,
    description: 'A point is an anomaly that is further from the mean than so many standard deviations.',
  }),
  window: Type.Optional(
    Type.String({
      pattern: String.raw`^[0-9]{1,9}(s|m|min|h|d|w)$`,
      description:
        'How far back points are looked at, such as 30m or 1d; no further than hours. Default: 1h, or hours where that is less.',
    }),
  ),
  method: Type.Enum(['zscore', 'mad'], {
    default: 'zscore',
    description:
      'zscore: by the mean and the standard deviation of a sample; mad: by the median and 1.4826 times the median absolute deviation, which outliers do not move, but all points have to be read for.',
  }),
  limit: Type.Integer({ minimum: 1, maximum: 100_000, default: 10_000, description: 'How many at most.' }),
});

export const DeviceNameSchema = Type.String({ ...Name, description: 'The device.' });

const Deviation = Type.Union([Type.Number(), Type.Null()], {
  description:
    'The standard deviation, or what stands for it; null where there are fewer than two points. Where it is 0 nothing is an anomaly.',
});

export const AnomaliesSchema = Type.Object(
  {
    success: Success,
    anomalies: Type.Array(
      Type.Object({
        timestamp: Type.String({ format: 'date-time', description: 'Of the point.' }),
        value: NumberSchema('Of the point.'),
        mean: Type.Number({ description: 'Of the points of the last hours; by mad their median.' }),
        stddev: Type.Number({
          description: 'Their standard deviation; by mad what stands for it.',
        }),
        z_score: NumberSchema('How many standard deviations the value is away from the mean.'),
        is_anomaly: Type.Literal(true, { description: 'Always true: other points are left out.' }),
      }),
      { description: 'The newest first.' },
    ),
    count: Type.Integer({ minimum: 0, description: 'Of this answer.' }),
    truncated: Type.Boolean({ description: 'Whether there are more than limit.' }),
    baseline: Type.Object(
      {
        points: Type.Integer({
          minimum: 0,
          description: 'Points of the last hours: finite ones of at most 1e140, others do not count.',
        }),
        mean: Type.Union([Type.Number(), Type.Null()], {
          description: 'The mean, or the median; null without points.',
        }),
        stddev: Deviation,
      },
      { description: 'What is usual.' },
    ),
  },
  { title: 'Anomalies' },
);
