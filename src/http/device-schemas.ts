import { Type } from 'typebox';
import { SeriesKindSchema, TagsSchema, UnitSchema, ValueSchema } from './latest-schemas.ts';
import { text } from './schema-parts.ts';
import { DeviceSchema } from './schemas.ts';

const TimeOrNull = (description: string) =>
  Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description });

export const DeviceMetricSchema = Type.Object(
  {
    metric_name: text('The metric.'),
    kind: SeriesKindSchema,
    unit: UnitSchema,
    tags: TagsSchema,
    value: ValueSchema,
    timestamp: TimeOrNull('Of the value; null where no point is left.'),
    points: Type.Integer({ minimum: 0, description: 'Ever stored.' }),
    first_seen: TimeOrNull("Its first point's time."),
    last_seen: TimeOrNull("Its last point's time."),
  },
  { title: 'DeviceMetric' },
);

export const DeviceDetailSchema = Type.Object(
  {
    ...DeviceSchema.properties,
    metrics: Type.Array(DeviceMetricSchema, {
      description: 'By name; a metric that was sent as numbers and as text is there twice.',
    }),
  },
  { title: 'DeviceDetail', description: 'The device.' },
);
