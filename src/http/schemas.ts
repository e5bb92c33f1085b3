/** The shapes of the answers: they are serialised by these, and openapi.json shows them. */

import { Type } from 'typebox';
import { count, orNull, Success, text, time } from './schema-parts.ts';

const Count = Type.Integer({ minimum: 0 });
const Time = Type.String({ format: 'date-time' });

export const AliveSchema = Type.Object(
  { status: Type.Literal('ok', { description: 'Always ok: the process answers.' }) },
  { title: 'Alive' },
);

export const ReadinessSchema = Type.Object(
  {
    ready: Type.Boolean({ description: 'Whether every check is ok.' }),
    checks: Type.Record(
      Type.String(),
      Type.Object({
        ok: Type.Boolean({ description: 'Whether it is as it should be.' }),
        detail: text('What was found.'),
      }),
      {
        description:
          'By name: broker, database, queue, spool, scheduler, worker_2 and so on, as far as this process has them.',
      },
    ),
  },
  { title: 'Readiness' },
);

const Bytes = Type.Integer({ minimum: 0, description: 'Indexes included.' });

/** What a job or an order came to. */
export const ReportSchema = Type.Object(
  {
    success: Success,
    rows: Type.Integer({ minimum: 0, description: 'Points, buckets or chunks that it was about.' }),
    detail: text('What was done.'),
  },
  { title: 'Report' },
);

export const ChunkSchema = Type.Object(
  {
    name: text('The name of the chunk.'),
    source: Type.String({ description: 'points, texts, or the level of an aggregate.' }),
    state: Type.String({ description: 'open, closing, sealed or opening.' }),
    range_start: time('The beginning of the time that it covers.'),
    range_end: time('The end of it, not part of it.'),
    rows: count('Points or buckets in it.'),
    rows_estimated: Type.Boolean({ description: "Whether rows is what the server's statistics say." }),
    bytes: Bytes,
    bytes_before: Type.Union([Bytes, Type.Null()], { description: 'Before compression.' }),
    ratio: Type.Union([Type.Number(), Type.Null()], { description: 'bytes_before / bytes.' }),
  },
  { title: 'Chunk' },
);

export const CompressionSchema = Type.Object(
  {
    success: Success,
    data: Type.Array(
      Type.Object({
        chunk: text('The name of the chunk.'),
        source: text('points, texts, or the level of an aggregate.'),
        points: count('Points or buckets in it.'),
        bytes_before: count('Before compression, indexes included.'),
        bytes_after: count('After compression, indexes included.'),
        ratio: Type.Number({ description: 'bytes_before / bytes_after.' }),
      }),
      { description: 'Compressed chunks.' },
    ),
    count: count('Compressed chunks.'),
    totals: Type.Object(
      {
        points: count('Points or buckets in all of them.'),
        bytes_before: count('Before compression.'),
        bytes_after: count('After compression.'),
        ratio: orNull(Type.Number(), 'bytes_before / bytes_after; null where nothing is compressed.'),
      },
      { description: 'Of all compressed chunks.' },
    ),
  },
  { title: 'Compression' },
);

export const DeviceNameSchema = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'What people call the device, as its messages say; null where they do not.',
});

export const DeviceSchema = Type.Object(
  {
    device_id: text('Of the device, which keeps it when people rename it.'),
    device_name: DeviceNameSchema,
    series: count('Series of it: a metric each, one more where it sends numbers and texts under one name.'),
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
    started_at: time('When it began.'),
    finished_at: orNull(Time, 'Null while it is under way.'),
    outcome: orNull(
      Type.Enum(['succeeded', 'failed', 'lost']),
      'Null while it is under way; lost: its process vanished.',
    ),
    rows: orNull(Count, 'Rows (points, buckets, chunks) that the run was about.'),
    detail: orNull(Type.String(), 'What it did; null while it is under way, or where it failed.'),
    error: orNull(Type.String(), 'Why it failed; null where it did not.'),
  },
  { title: 'JobRun' },
);

export const JobsSchema = Type.Object(
  {
    leader: Type.Object(
      {
        epoch: count('The number of the leader.'),
        name: orNull(Type.String(), 'Null where no process leads.'),
        since: orNull(Time, 'Since when it leads; null where no process does.'),
      },
      { description: 'The process that runs the jobs; every leader has a higher epoch than the one before.' },
    ),
    jobs: Type.Array(
      Type.Object({
        name: text('The name of the job.'),
        schedule_interval_ms: count('Milliseconds from the start of a run to that of the next.'),
        next_run: orNull(Time, 'Null: as soon as a process leads.'),
        failures: Type.Integer({
          minimum: 0,
          description: 'Failed runs in a row; each makes the wait longer.',
        }),
        last_run: orNull(JobRunSchema, 'The latest run; null where there was none.'),
        history: Type.Array(JobRunSchema, { description: 'The latest first.' }),
      }),
      { description: 'By name.' },
    ),
  },
  { title: 'Jobs' },
);
