/** What the endpoints of dead letters answer. */

import { Type } from 'typebox';
import { count, orNull, Success, text, time } from './schema-parts.ts';

const LETTER_ORIGIN = {
  route: orNull(Type.String(), 'The route that took the message; null where none did.'),
  code: text('The reason (docs/errors.md).'),
};
const LetterId = Type.Integer({ minimum: 1, description: 'The number of the dead letter.' });
const Topic = text('The topic that it was published to.');
const Detail = text('What the reason is about.');

export const LetterHeadSchema = Type.Object(
  {
    dead_letter_id: LetterId,
    received_at: time('When the message was received.'),
    client_id: text('Of the daemon that received it.'),
    topic: Topic,
    qos: Type.Integer({ description: 'The quality of service that it came with, 0 or 1.' }),
    retained: Type.Boolean({ description: 'Whether the broker had kept it for whoever subscribes.' }),
    ...LETTER_ORIGIN,
    detail: Detail,
    points: count('Points that the message lost.'),
    stored: orNull(
      Type.Integer({ minimum: 0 }),
      'Points of it that were stored; null where that was not counted.',
    ),
    bytes: count('Of the payload.'),
  },
  { title: 'DeadLetter' },
);

export const LetterGroupSchema = Type.Object(
  {
    ...LETTER_ORIGIN,
    letters: count('Dead letters of this reason and route.'),
    points: count('Points that they lost.'),
    bytes: count('Of their payloads.'),
    oldest: time('When the first of them was received.'),
    newest: time('When the last of them was received.'),
    topic: text('The topic that most of them came with.'),
    example: Type.Object(
      { dead_letter_id: LetterId, topic: Topic, detail: Detail },
      { description: 'One of them.' },
    ),
  },
  { title: 'DeadLetterGroup' },
);

export const LettersSchema = Type.Object({
  success: Success,
  data: Type.Array(Type.Union([LetterGroupSchema, LetterHeadSchema]), {
    description: 'Groups where grouped is true, else letters, the latest first.',
  }),
  count: count('Of this answer.'),
});

export const ShownLetterSchema = Type.Object(
  {
    success: Success,
    ...LetterHeadSchema.properties,
    payload_text: orNull(Type.String(), 'Its payload; null where the bytes are no text.'),
    payload_base64: text('Its payload as bytes.'),
    truncated: Type.Boolean({ description: 'Whether the payload goes on; /payload has all of it.' }),
  },
  { title: 'ShownDeadLetter' },
);

const DryRun = Type.Boolean({ description: 'Whether nothing was changed.' });

export const DropSchema = Type.Object(
  { success: Success, dry_run: DryRun, dropped: count('Letters that were dropped, or would be.') },
  { title: 'Drop' },
);

export const ReplaySchema = Type.Object(
  {
    success: Success,
    dry_run: DryRun,
    letters: count('Letters that were decoded.'),
    replayed: count('No dead letters any more.'),
    failed: count('Dead letters still, with their reason of today.'),
    taken: count('Left to another replay, or gone meanwhile.'),
    points: Type.Object(
      {
        decoded: count('Points that the letters carried.'),
        stored: count('Stored.'),
        duplicate: count('There already, with the same value.'),
        conflict: count('A second value for a device, metric and time that has one.'),
        dead_lettered: count('Lost to dead letters still.'),
        dropped: count('Not stored on purpose.'),
      },
      { description: 'What became of the points.' },
    ),
    reasons: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
      description: 'Of those that failed, by code.',
    }),
    sample: Type.Array(
      Type.Object({
        device_id: text('The device.'),
        metric_name: text('The metric.'),
        value: Type.Union([Type.Number(), Type.String()], { description: 'A number or a text.' }),
        timestamp: time('Its time.'),
      }),
      { description: 'Of a dry run: the first points that would be stored.' },
    ),
    complete: Type.Boolean({ description: 'False where it was stopped before the end.' }),
  },
  { title: 'Replay' },
);
