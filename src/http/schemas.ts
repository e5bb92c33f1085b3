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

export const IngestStatsSchema = Type.Object(
  {
    since: Type.String({ format: 'date-time', description: 'Since when the totals count.' }),
    balanced: Type.Boolean({
      description: 'Whether received and decoded equal the sums of what follows them.',
    }),
    messages: Type.Object({
      received: Count,
      settled: Count,
      ignored: Count,
      dead_lettered: Count,
      dropped: Count,
      in_flight: Count,
      spooled: Count,
    }),
    points: Type.Object({
      decoded: Count,
      stored: Count,
      duplicate: Count,
      conflict: Count,
      dead_lettered: Count,
      dropped: Count,
      in_flight: Count,
      spooled: Count,
    }),
  },
  { title: 'IngestStats' },
);

const Time = Type.String({ format: 'date-time' });

function orNull<Schema extends TSchema>(schema: Schema, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}

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
