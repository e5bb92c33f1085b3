import type { Client } from 'pg';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { EngineOptions, LevelName } from '../engine.ts';
import { LEVELS, keptLevels } from './levels.ts';

/** A job of TimescaleDB on one of our tables. Milliseconds. */
interface Policy {
  readonly kind: 'policy_refresh_continuous_aggregate' | 'policy_compression' | 'policy_retention';
  readonly table: string;
  readonly every: number;
  /** false: kept, but not run. */
  readonly scheduled: boolean;
  /** The keys of the job's config that are ours. */
  readonly offsets: Readonly<Record<string, number>>;
}

interface JobRow {
  readonly job_id: number;
  readonly kind: Policy['kind'];
  readonly table: string;
  readonly every: number;
  readonly scheduled: boolean;
  readonly offsets: Record<string, number> | null;
}

/** What the configuration allows for now. */
export interface PolicyState {
  /** Levels whose past is computed, so that a policy that looks back only so far leaves no gap. */
  readonly swept: ReadonlySet<LevelName>;
  /** Tables that retention must not touch yet: what is too old there is not in the aggregates. */
  readonly withheld: ReadonlySet<string>;
}

const DAY = 86_400_000;

/** The policies that a configuration asks for. */
export function wantedPolicies(options: EngineOptions, state: PolicyState): Policy[] {
  const { compression, retention, levels } = options;
  const kept = keptLevels(levels);
  const policies: Policy[] = [];
  for (const level of kept.filter((name) => state.swept.has(name))) {
    const { startOffset, endOffset, scheduleInterval } = levels[level];
    policies.push({
      kind: 'policy_refresh_continuous_aggregate',
      table: `aggregate_${level}`,
      every: scheduleInterval,
      scheduled: true,
      offsets: { start_offset: startOffset, end_offset: endOffset },
    });
  }
  if (compression.enabled) {
    const compress = (table: string, after: number): void => {
      policies.push({
        kind: 'policy_compression',
        table,
        every: compression.every,
        scheduled: true,
        offsets: { compress_after: after },
      });
    };
    compress('points', compression.after);
    // What a refresh still writes to is not worth compressing.
    for (const level of LEVELS) {
      compress(`aggregate_${level}`, Math.max(compression.after, levels[level].startOffset + DAY));
    }
  }
  const ages = [
    ['points', retention.raw],
    ['texts', retention.text],
    ...LEVELS.map((level) => [`aggregate_${level}`, retention.levels[level]] as const),
  ] as const;
  for (const [table, age] of ages) {
    if (age === null) continue;
    policies.push({
      kind: 'policy_retention',
      table,
      every: retention.every,
      scheduled: !state.withheld.has(table),
      // The cut, which writers and refreshes keep to, lies at a day's start: TimescaleDB must never be ahead of it.
      offsets: { drop_after: age + DAY },
    });
  }
  return policies;
}

/** Adds, alters and removes TimescaleDB's jobs on our tables. Within a transaction. Resolves to what was changed, for people. */
export async function reconcilePolicies(
  client: Client,
  names: SchemaNames,
  wanted: readonly Policy[],
): Promise<string[]> {
  const { rows } = await client.query<JobRow>(
    withNames(
      `SELECT job_id, proc_name AS kind, hypertable_name AS "table", scheduled,
         extract(epoch FROM schedule_interval)::float8 * 1000 AS every,
         (SELECT jsonb_object_agg(key, extract(epoch FROM value::interval) * 1000) FROM jsonb_each_text(config)
          WHERE key IN ('start_offset', 'end_offset', 'compress_after', 'drop_after')) AS offsets
       FROM timescaledb_information.jobs
       WHERE hypertable_schema = :'internal'
         AND proc_name IN ('policy_refresh_continuous_aggregate', 'policy_compression', 'policy_retention')`,
      names,
    ),
  );
  const left = new Map(rows.map((row) => [`${row.kind} ${row.table}`, row]));
  const done: string[] = [];
  for (const policy of wanted) {
    const key = `${policy.kind} ${policy.table}`;
    const job = left.get(key);
    left.delete(key);
    if (job === undefined) {
      await add(client, names, policy);
      done.push(`added ${key}`);
    } else if (differs(job, policy)) {
      await alter(client, job, policy);
      done.push(`altered ${key}`);
    }
  }
  for (const [key, { job_id: id }] of left) {
    await client.query('SELECT delete_job($1)', [id]);
    done.push(`removed ${key}`);
  }
  return done;
}

/** Of new chunks of points and texts; milliseconds. Resolves to whether it was another one. */
export async function reconcileChunkInterval(
  client: Client,
  names: SchemaNames,
  interval: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    withNames(
      `SELECT set_chunk_time_interval(format('%I.%I', hypertable_schema, hypertable_name)::regclass, make_interval(secs => $1))
       FROM timescaledb_information.dimensions
       WHERE hypertable_schema = :'internal' AND hypertable_name IN ('points', 'texts') AND time_interval <> make_interval(secs => $1)`,
      names,
    ),
    [interval / 1000],
  );
  return rowCount !== null && rowCount > 0;
}

function differs(job: JobRow, policy: Policy): boolean {
  return (
    job.every !== policy.every ||
    job.scheduled !== policy.scheduled ||
    Object.entries(policy.offsets).some(([key, value]) => job.offsets?.[key] !== value)
  );
}

const INTERVAL = 'make_interval(secs => $';

async function add(client: Client, names: SchemaNames, policy: Policy): Promise<void> {
  const { kind, table, every, offsets } = policy;
  const parameters = [`"${names.internal.replaceAll('"', '""')}"."${table}"`, every / 1000];
  const values = Object.values(offsets).map((value) => value / 1000);
  if (kind === 'policy_refresh_continuous_aggregate') {
    await client.query(
      `SELECT add_continuous_aggregate_policy($1::text::regclass, start_offset => ${INTERVAL}3),
         end_offset => ${INTERVAL}4), schedule_interval => ${INTERVAL}2))`,
      [...parameters, ...values],
    );
  } else if (kind === 'policy_compression') {
    await client.query(
      `CALL add_columnstore_policy($1::text::regclass, after => ${INTERVAL}3), schedule_interval => ${INTERVAL}2))`,
      [...parameters, ...values],
    );
  } else {
    await client.query(
      `SELECT add_retention_policy($1::text::regclass, drop_after => ${INTERVAL}3), schedule_interval => ${INTERVAL}2))`,
      [...parameters, ...values],
    );
    if (!policy.scheduled) await client.query(UNSCHEDULE, [table, names.internal]);
  }
}

const UNSCHEDULE = `SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs
  WHERE proc_name = 'policy_retention' AND hypertable_name = $1 AND hypertable_schema = $2`;

async function alter(client: Client, { job_id: id }: JobRow, policy: Policy): Promise<void> {
  await client.query(
    `SELECT alter_job(job_id, schedule_interval => ${INTERVAL}2), scheduled => $3, config => config || (
       SELECT jsonb_object_agg(key, make_interval(secs => seconds)::text)
       FROM unnest($4::text[], $5::float8[]) AS o (key, seconds)))
     FROM timescaledb_information.jobs WHERE job_id = $1`,
    [
      id,
      policy.every / 1000,
      policy.scheduled,
      Object.keys(policy.offsets),
      Object.values(policy.offsets).map((value) => value / 1000),
    ],
  );
}
