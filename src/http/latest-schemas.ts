import { Type } from 'typebox';
import { text, time } from './schema-parts.ts';
import { DeviceNameSchema } from './schemas.ts';

/** PostgreSQL holds no text with a NUL, so nothing is called so. */
const Names = Type.Array(Type.String({ minLength: 1, pattern: String.raw`^[^\0]+$` }), { maxItems: 1_000 });

/** `key:value`, as `tagsOf` reads it. */
export const TagsAsked = Type.Optional(
  Type.Array(Type.String({ maxLength: 1_000, pattern: String.raw`^[^\0:]+:[^\0]*$` }), {
    maxItems: 20,
    description: 'Of series with this tag, key:value; may be repeated: with all of them.',
  }),
);

/** Null where none are asked for. */
export function tagsOf(asked: readonly string[] | undefined): Record<string, string> | null {
  if (asked === undefined) return null;
  return Object.fromEntries(
    asked.map((tag) => [tag.slice(0, tag.indexOf(':')), tag.slice(tag.indexOf(':') + 1)]),
  );
}

export const LatestQuestionSchema = Type.Object({
  device_id: Type.Optional({ ...Names, description: 'Of these devices; may be repeated. Default: all.' }),
  metric_name: Type.Optional({ ...Names, description: 'These metrics; may be repeated. Default: all.' }),
  match: Type.String({
    default: '*',
    pattern: String.raw`^[^\0]*$`,
    description: 'Of devices with such names; * stands for any characters.',
  }),
  tag: TagsAsked,
  limit: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 1_000,
    description: 'How many at most. A page can have fewer although it is not the last one.',
  }),
  cursor: Type.Optional(Type.String({ description: 'next_cursor of the page before.' })),
});

export const SeriesKindSchema = Type.Enum(['gauge', 'counter', 'state', 'text'], {
  description: 'What its values are: text, or of numbers what the messages said, else gauge.',
});
export const UnitSchema = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'As its messages name it; null where they do not.',
});

export const TagsSchema = Type.Record(Type.String(), Type.String(), {
  description: 'As its messages or their route say; {} where they do not.',
});

/** Of a series; null where there is none. */
export const ValueSchema = Type.Unsafe<number | string | null>({
  type: ['number', 'string', 'null'],
  description:
    'A text of the kind text, else a number; what JSON has no number for is the text NaN, Infinity or -Infinity. Null: a text that retention deleted.',
});

export const LatestPointSchema = Type.Object(
  {
    device_id: text('The device.'),
    device_name: DeviceNameSchema,
    metric_name: text('The metric.'),
    kind: SeriesKindSchema,
    unit: UnitSchema,
    tags: TagsSchema,
    value: ValueSchema,
    timestamp: time('Of the point.'),
  },
  { title: 'LatestPoint' },
);
