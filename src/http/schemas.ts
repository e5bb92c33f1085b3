/** The shapes of the answers: they are serialised by these, and openapi.json shows them. */

import { type TSchema, Type } from 'typebox';

const Count = Type.Integer({ minimum: 0 });

export const AliveSchema = Type.Object({ status: Type.Literal('ok') }, { title: 'Alive' });

export const ReadinessSchema = Type.Object(
  {
    ready: Type.Boolean(),
    checks: Type.Record(Type.String(), Type.Object({ ok: Type.Boolean(), detail: Type.String() })),
  },
  { title: 'Readiness' },
);

const Bytes = Type.Integer({ minimum: 0, description: 'Indexes included.' });

/** What a job or an order came to. */
export const ReportSchema = Type.Object(
  {
    success: Type.Literal(true),
    rows: Type.Integer({ minimum: 0, description: 'Points, buckets or chunks that it was about.' }),
    detail: Type.String(),
  },
  { title: 'Report' },
);

export const ChunkSchema = Type.Object(
  {
    name: Type.String(),
    source: Type.String({ description: 'points, texts, or the level of an aggregate.' }),
    state: Type.String({ description: 'open, closing, sealed or opening.' }),
    range_start: Type.String({ format: 'date-time' }),
    range_end: Type.String({ format: 'date-time', description: 'Not part of it.' }),
    rows: Count,
    rows_estimated: Type.Boolean({ description: "Whether rows is what the server's statistics say." }),
    bytes: Bytes,
    bytes_before: Type.Union([Bytes, Type.Null()], { description: 'Before compression.' }),
    ratio: Type.Union([Type.Number(), Type.Null()], { description: 'bytes_before / bytes.' }),
  },
  { title: 'Chunk' },
);

export const CompressionSchema = Type.Object(
  {
    success: Type.Literal(true),
    data: Type.Array(
      Type.Object({
        chunk: Type.String(),
        source: Type.String(),
        points: Count,
        bytes_before: Bytes,
        bytes_after: Bytes,
        ratio: Type.Number(),
      }),
    ),
    count: Count,
    totals: Type.Object({
      points: Count,
      bytes_before: Bytes,
      bytes_after: Bytes,
      ratio: Type.Union([Type.Number(), Type.Null()]),
    }),
  },
  { title: 'Compression' },
);

const Time = Type.String({ format: 'date-time' });

function orNull<Schema extends TSchema>(schema: Schema, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}

export const DeviceSchema = Type.Object(
  {
    device_id: Type.String(),
    series: Count,
    points: Type.Integer({ minimum: 0, description: 'Ever stored.' }),
    first_seen: orNull(Time, "Its first point's time."),
    last_seen: orNull(Time, "Its last point's time, as the point says."),
    state: orNull(
      Type.Enum(['learning', 'ok', 'silent']),
      'Null, and what follows too, where it was not heard since devices are watched.',
    ),
    last_arrival: orNull(Time, 'When a message of it last arrived.'),
    expected_interval: orNull(Type.Number(), 'Seconds between its messages; null while it is learned.'),
    clock_skew: orNull(
      Type.Number(),
      'Seconds by which its messages arrive later than they say; null where they carry no time.',
    ),
  },
  { title: 'Device' },
);

export const JobRunSchema = Type.Object(
  {
    started_at: Time,
    finished_at: orNull(Time, 'Null while it is under way.'),
    outcome: orNull(
      Type.Enum(['succeeded', 'failed', 'lost']),
      'Null while it is under way; lost: its process vanished.',
    ),
    rows: orNull(Count, 'Rows (points, buckets, chunks) that the run was about.'),
    detail: orNull(Type.String()),
    error: orNull(Type.String()),
  },
  { title: 'JobRun' },
);

export const JobsSchema = Type.Object(
  {
    leader: Type.Object(
      { epoch: Count, name: orNull(Type.String(), 'Null where no process leads.'), since: orNull(Time) },
      { description: 'The process that runs the jobs; every leader has a higher epoch than the one before.' },
    ),
    jobs: Type.Array(
      Type.Object({
        name: Type.String(),
        schedule_interval_ms: Count,
        next_run: orNull(Time, 'Null: as soon as a process leads.'),
        failures: Type.Integer({
          minimum: 0,
          description: 'Failed runs in a row; each makes the wait longer.',
        }),
        last_run: orNull(JobRunSchema),
        history: Type.Array(JobRunSchema, { description: 'The latest first.' }),
      }),
    ),
  },
  { title: 'Jobs' },
);

const LETTER_ORIGIN = {
  route: orNull(Type.String(), 'Null where none took the message.'),
  code: Type.String({ description: 'The reason (docs/errors.md).' }),
};
const LetterId = Type.Integer({ minimum: 1 });

export const LetterHeadSchema = Type.Object(
  {
    dead_letter_id: LetterId,
    received_at: Time,
    client_id: Type.String({ description: 'Of the daemon that received it.' }),
    topic: Type.String(),
    qos: Type.Integer(),
    retained: Type.Boolean(),
    ...LETTER_ORIGIN,
    detail: Type.String(),
    points: Type.Integer({ minimum: 0, description: 'Points that the message lost.' }),
    stored: orNull(Count, 'Points of it that were stored; null where that was not counted.'),
    bytes: Type.Integer({ minimum: 0, description: 'Of the payload.' }),
  },
  { title: 'DeadLetter' },
);

export const LetterGroupSchema = Type.Object(
  {
    ...LETTER_ORIGIN,
    letters: Count,
    points: Count,
    bytes: Count,
    oldest: Time,
    newest: Time,
    topic: Type.String({ description: 'The topic that most of them came with.' }),
    example: Type.Object({ dead_letter_id: LetterId, topic: Type.String(), detail: Type.String() }),
  },
  { title: 'DeadLetterGroup' },
);

export const ShownLetterSchema = Type.Object(
  {
    success: Type.Literal(true),
    ...LetterHeadSchema.properties,
    payload_text: orNull(Type.String(), 'Null where the bytes are no text.'),
    payload_base64: Type.String(),
    truncated: Type.Boolean({ description: 'Whether the payload goes on; /payload has all of it.' }),
  },
  { title: 'ShownDeadLetter' },
);

export const DropSchema = Type.Object(
  { success: Type.Literal(true), dry_run: Type.Boolean(), dropped: Count },
  { title: 'Drop' },
);

export const ReplaySchema = Type.Object(
  {
    success: Type.Literal(true),
    dry_run: Type.Boolean({ description: 'Whether nothing was changed.' }),
    letters: Type.Integer({ minimum: 0, description: 'Letters that were decoded.' }),
    replayed: Type.Integer({ minimum: 0, description: 'No dead letters any more.' }),
    failed: Type.Integer({ minimum: 0, description: 'Dead letters still, with their reason of today.' }),
    taken: Type.Integer({ minimum: 0, description: 'Left to another replay, or gone meanwhile.' }),
    points: Type.Object({
      decoded: Count,
      stored: Count,
      duplicate: Count,
      conflict: Count,
      dead_lettered: Count,
      dropped: Count,
    }),
    reasons: Type.Record(Type.String(), Count, { description: 'Of those that failed, by code.' }),
    sample: Type.Array(
      Type.Object({
        device_id: Type.String(),
        metric_name: Type.String(),
        value: Type.Union([Type.Number(), Type.String()]),
        timestamp: Time,
      }),
      { description: 'Of a dry run: the first points that would be stored.' },
    ),
    complete: Type.Boolean({ description: 'False where it was stopped before the end.' }),
  },
  { title: 'Replay' },
);
