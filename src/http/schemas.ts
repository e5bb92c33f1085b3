/** The shapes of the answers: they are serialised by these, and openapi.json shows them. */

import { Type } from 'typebox';

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
