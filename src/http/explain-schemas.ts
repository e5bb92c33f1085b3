import { type Static, Type } from 'typebox';
import { DEAD_LETTERS, type DeadLetterCode } from '../errors.ts';
import { orNull, Success, text, time } from './schema-parts.ts';

const MESSAGE = {
  topic: Type.String({
    minLength: 1,
    maxLength: 65_535,
    pattern: String.raw`^[^+#\0]+$`,
    description: 'The topic that it would be published to.',
  }),
  payload: Type.Optional(Type.String({ description: 'Its payload as text.' })),
  payload_base64: Type.Optional(
    Type.String({
      pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
      description: 'Its payload as bytes, in base64; instead of payload.',
    }),
  ),
};

// Fastify takes away what additionalProperties forbids: a slip in a name would go unnoticed.
export const MessageSchema = Type.Object(MESSAGE, {
  propertyNames: { enum: Object.keys(MESSAGE) },
});

const ExplainedPoint = Type.Object({
  device_id: text('The device.'),
  metric_name: text('The metric.'),
  value: Type.Union([Type.Number(), Type.String()], {
    description: 'A number, or a text; NaN and the infinities are texts here, as JSON has none.',
  }),
  timestamp: time('Its time; that of the question where the message has none.'),
  unit: Type.Optional(text('The unit, where the message says it.')),
  tags: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Tags of the series, where the message says them.',
    }),
  ),
  device_name: Type.Optional(text('What people call the device, where the message says it.')),
});

const Reason = Type.Object({
  code: Type.Unsafe<DeadLetterCode>(
    Type.Enum(Object.keys(DEAD_LETTERS), { description: 'The reason (docs/errors.md).' }),
  ),
  detail: text('What it is about.'),
});

const ExplainedSchema = Type.Object(
  {
    route: orNull(Type.String(), 'The route that takes the message; null where none does.'),
    points: Type.Array(ExplainedPoint, { description: 'The points that would be stored.' }),
    dead_letter: Type.Union([Reason, Type.Null()], {
      description:
        'Why the message, or a part of it, would be kept as a dead letter; null where it would not.',
    }),
  },
  { title: 'Explained' },
);

export const ExplainAnswerSchema = Type.Object(
  {
    success: Success,
    ...ExplainedSchema.properties,
  },
  { title: 'ExplainAnswer' },
);

export type Message = Static<typeof MessageSchema>;
/** What would become of a message. */
export type Explained = Static<typeof ExplainedSchema>;
