/** Every metric, in one table: the registration in metrics.ts and docs/metrics.md both come from it. */

import { DEAD_LETTERS, type SpoolError, type WriteAction } from '../errors.ts';
import type { BatchTotals, DropReason, PipelineState, SealTrigger } from '../pipeline/types.ts';
import type { RunResult } from '../scheduler/types.ts';

export const METRIC_PREFIX = 'tidegate_';

export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The values that each label can have; null: not known beforehand. */
  readonly labels?: Readonly<Record<string, readonly string[] | null>>;
  /** What holds for several workers (ingest.workers); default: their sum. */
  readonly merged?: 'min' | 'max';
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** The names of a union, complete because the compiler counts them. */
function namesOf<Name extends string>(names: Record<Name, true>): readonly Name[] {
  return Object.keys(names) as Name[];
}

export const MESSAGE_OUTCOMES = namesOf<keyof BatchTotals['messages']>({
  settled: true,
  ignored: true,
  dead_lettered: true,
  dropped: true,
});

export const POINT_OUTCOMES = namesOf<Exclude<keyof BatchTotals['points'], 'decoded'>>({
  stored: true,
  duplicate: true,
  conflict: true,
  dead_lettered: true,
  dropped: true,
});

export const PRESSURES = namesOf<PipelineState['pressure']>({ open: true, full: true, away: true });

const SEAL_TRIGGERS = namesOf<SealTrigger>({
  points: true,
  bytes: true,
  time: true,
  idle: true,
  drain: true,
});

const DROP_REASONS = namesOf<DropReason>({
  text_dropped: true,
  text_unchanged: true,
  expired: true,
  deleted: true,
  qos0_overflow: true,
  retained_skipped: true,
  own_message: true,
  resent: true,
  redelivered: true,
  backlog_skipped: true,
  repeated: true,
  transient: true,
  stale_death: true,
  spool_overflow: true,
  spool_damaged: true,
});

const SPOOL_FAULTS = namesOf<SpoolError['reason']>({ full: true, failed: true });
export const DEVICE_STATES = ['learning', 'ok', 'silent'] as const;
export const CERTIFICATE_USES = ['http', 'mqtt_ca', 'mqtt_client', 'database_ca', 'database_client'] as const;
export const EDGE_STATES = ['online', 'offline'] as const;
const ANNOUNCEMENT_SUBJECTS = ['status', 'event', 'discovery'] as const;
const ANNOUNCEMENT_OUTCOMES = ['sent', 'refused', 'dropped'] as const;

export const CHECKS = ['broker', 'database', 'queue', 'spool', 'scheduler'] as const;

const WRITE_ACTIONS = namesOf<WriteAction>({ retry: true, isolate: true, stop: true });

const JOB_OUTCOMES = namesOf<RunResult['outcome']>({ succeeded: true, failed: true });

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const METRICS = {
  build_info: {
    type: 'gauge',
    merged: 'max',
    help: 'Always 1; the version is in the label.',
    labels: { version: null },
  },
  ready: {
    type: 'gauge',
    merged: 'min',
    help: 'Whether a check of /readyz passes: 1 or 0; absent where this process does not make it.',
    labels: { check: CHECKS },
  },
  messages_received_total: {
    type: 'counter',
    help: 'Messages received from the broker.',
  },
  messages_total: {
    type: 'counter',
    help: 'Messages that came to an end, by how; with those in flight and spooled they add up to the received ones.',
    labels: { outcome: MESSAGE_OUTCOMES },
  },
  messages_in_flight: {
    type: 'gauge',
    help: 'Messages received whose end is not committed yet.',
  },
  points_decoded_total: {
    type: 'counter',
    help: 'Points that the messages carried.',
  },
  points_total: {
    type: 'counter',
    help: 'Points that came to an end, by how; with those in flight and spooled they add up to the decoded ones.',
    labels: { outcome: POINT_OUTCOMES },
  },
  messages_spooled: {
    type: 'gauge',
    help: 'Messages in the spool, by the account.',
  },
  points_spooled: {
    type: 'gauge',
    help: 'Points of the messages in the spool, by the account.',
  },
  points_in_flight: {
    type: 'gauge',
    help: 'Points decoded whose end is not committed yet.',
  },
  balanced: {
    type: 'gauge',
    merged: 'min',
    help: 'Whether both sides of the balance sheet add up: 1, or 0 where a message or point is unaccounted for.',
  },
  imbalances_total: {
    type: 'counter',
    help: 'Checks, every few seconds, that found that the balance sheet does not add up or differs from what is committed.',
  },
  batch_points: {
    type: 'histogram',
    help: 'Points of a batch when it was sealed.',
    buckets: [1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000],
  },
  rounded_integers_total: {
    type: 'counter',
    help: 'Integers from 2^53 to 2^64, which a double cannot all hold: stored as the nearest one that it can.',
  },
  batch_seals_total: {
    type: 'counter',
    help: 'Batches sealed, by what made it time to.',
    labels: { trigger: SEAL_TRIGGERS },
  },
  commit_seconds: {
    type: 'histogram',
    help: "From a batch's first attempt to the answer to its COMMIT.",
    buckets: SECONDS,
  },
  lag_seconds: {
    type: 'histogram',
    help: "From the receipt of a batch's oldest message to the answer to its COMMIT.",
    buckets: SECONDS,
  },
  last_commit_timestamp_seconds: {
    type: 'gauge',
    merged: 'max',
    help: 'Unix time of the last commit; absent before the first.',
  },
  oldest_in_flight_timestamp_seconds: {
    type: 'gauge',
    merged: 'min',
    help: 'Unix time at which the oldest message in flight was received; absent where none is.',
  },
  queue_points: {
    type: 'gauge',
    help: 'Points in batches that wait for a writer or are with one, and in the open batch.',
  },
  queue_bytes: {
    type: 'gauge',
    help: 'Bytes of memory that they hold.',
  },
  queue_batches: {
    type: 'gauge',
    help: 'Batches that wait for a writer or are with one.',
  },
  queue_limit_points: {
    type: 'gauge',
    help: 'ingest.queue.max_points.',
  },
  queue_limit_bytes: {
    type: 'gauge',
    help: 'ingest.queue.max_bytes.',
  },
  pressure: {
    type: 'gauge',
    help: '1 for the state that the intake is in: open takes all, full has paused reading or drops QoS 0, away left the broker.',
    labels: { state: PRESSURES },
  },
  series: {
    type: 'gauge',
    merged: 'max',
    help: 'Series (device and metric) that this process has seen.',
  },
  devices: {
    type: 'gauge',
    help: 'Devices that are watched, by state: learning is one whose cadence is not known yet.',
    labels: { state: DEVICE_STATES },
  },
  edge_nodes: {
    type: 'gauge',
    help: 'Sparkplug edge nodes that were born, by whether they are there.',
    labels: { state: EDGE_STATES },
  },
  edge_messages_missing_total: {
    type: 'counter',
    help: 'Messages of Sparkplug edge nodes that never came, by the gaps in their sequence numbers.',
  },
  edge_messages_reordered_total: {
    type: 'counter',
    help: 'Messages of Sparkplug edge nodes that came out of their turn.',
  },
  edge_births_asked_total: {
    type: 'counter',
    help: 'Times that a Sparkplug edge node was asked for its birth (sparkplug.rebirth.enabled).',
  },
  device_silences_total: {
    type: 'counter',
    help: 'Times that a device fell silent.',
  },
  device_messages_unwatched_total: {
    type: 'counter',
    help: 'Messages of devices beyond devices.max, which are stored but not watched.',
  },
  announcements_total: {
    type: 'counter',
    help: 'Messages of our own, by subject: sent (the broker has it), refused (it does not allow it), or dropped (too many waited).',
    labels: { subject: ANNOUNCEMENT_SUBJECTS, outcome: ANNOUNCEMENT_OUTCOMES },
  },
  write_errors_total: {
    type: 'counter',
    help: 'Failed attempts to write a batch, by SQLSTATE (none: PostgreSQL did not answer) and what followed.',
    labels: { sqlstate: null, action: WRITE_ACTIONS },
  },
  dead_letters_total: {
    type: 'counter',
    help: 'Dead letters, by reason (docs/errors.md).',
    labels: { code: Object.keys(DEAD_LETTERS) },
  },
  dead_letters_deleted_total: {
    type: 'counter',
    help: 'Dead letters that this process deleted, the oldest first, to stay within dead_letters.max_bytes.',
  },
  dead_letters_bytes: {
    type: 'gauge',
    merged: 'max',
    help: 'Bytes of dead letters, as dead_letters.max_bytes counts them; looked at every minute, absent before.',
  },
  dead_letters_limit_bytes: {
    type: 'gauge',
    merged: 'max',
    help: 'dead_letters.max_bytes.',
  },
  dropped_total: {
    type: 'counter',
    help: 'Messages (qos0_overflow, retained_skipped, own_message, resent, redelivered, spool_overflow, spool_damaged) and points (the other reasons) not stored on purpose.',
    labels: { reason: DROP_REASONS },
  },
  spool_batches: {
    type: 'gauge',
    help: 'Batches in the spool; absent, as the other gauges of the spool, where spool.path is not set.',
  },
  spool_messages: {
    type: 'gauge',
    help: 'Messages in the spool.',
  },
  spool_bytes: {
    type: 'gauge',
    help: 'Size of the spool on disk.',
  },
  spool_limit_bytes: {
    type: 'gauge',
    help: 'spool.max_bytes.',
  },
  spool_oldest_timestamp_seconds: {
    type: 'gauge',
    merged: 'min',
    help: 'Unix time at which the oldest message in the spool was received; absent where it is empty.',
  },
  spool_damaged_records: {
    type: 'gauge',
    help: 'Records that were found damaged since the start; their files are kept beside the spool.',
  },
  spooled_messages_total: {
    type: 'counter',
    help: 'Messages that this process wrote to the spool.',
  },
  spool_append_seconds: {
    type: 'histogram',
    help: 'From handing a batch to the spool until it is durable there.',
    buckets: SECONDS,
  },
  spool_errors_total: {
    type: 'counter',
    help: 'Batches that the spool did not take, each attempt: it is full, or its disk failed.',
    labels: { reason: SPOOL_FAULTS },
  },
  mqtt_connected: {
    type: 'gauge',
    merged: 'min',
    help: 'Whether the broker is connected: 1 or 0.',
  },
  mqtt_reconnects_total: {
    type: 'counter',
    help: 'Connections to the broker after the first.',
  },
  mqtt_sessions_lost_total: {
    type: 'counter',
    help: 'Connections to a broker that had forgotten our session, and with it what waited there.',
  },
  certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    merged: 'min',
    help: 'When a certificate that this daemon shows or trusts expires, in seconds since 1970; absent for those that it has not. Of several the first.',
    labels: { certificate: CERTIFICATE_USES },
  },
  clock_jumps_total: {
    type: 'counter',
    merged: 'max',
    help: 'Times that the clock of this machine was set by more than a second, forward or back.',
  },
  query_log_dropped_total: {
    type: 'counter',
    help: 'Questions that are missing in iot_query_logs: the database took no more of them in time.',
  },
  scheduler_leader: {
    type: 'gauge',
    help: 'Whether this process runs the jobs: 1 or 0; absent where it has no scheduler.',
  },
  job_runs_total: {
    type: 'counter',
    help: 'Runs of jobs that this process ended, by how.',
    labels: { job: null, outcome: JOB_OUTCOMES },
  },
  job_run_seconds: {
    type: 'histogram',
    help: 'How long they took.',
    labels: { job: null },
    buckets: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600],
  },
  job_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'Unix time at which a run of the job last succeeded; absent where another process runs the jobs.',
    labels: { job: null },
  },
  job_failures: {
    type: 'gauge',
    help: 'Runs of the job that failed since one succeeded; absent where another process runs the jobs.',
    labels: { job: null },
  },
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;

const MERGED = { min: ' Of several workers the least.', max: ' Of several workers the greatest.' } as const;

/** docs/metrics.md. */
export function metricsMarkdown(): string {
  const rows = (Object.entries(METRICS) as [MetricName, MetricEntry][]).map(([name, entry]) => {
    const labels = Object.entries(entry.labels ?? {}).map(([label, values]) =>
      values === null ? `\`${label}\`` : `\`${label}\`: ${values.join(', ')}`,
    );
    const merged = entry.merged === undefined ? '' : MERGED[entry.merged];
    return `| \`${METRIC_PREFIX}${name}\` | ${entry.type} | ${labels.join('; ')} | ${entry.help}${merged} |`;
  });
  return `# Metrics

<!-- Generated from src/telemetry/reference.ts by \`npm run generate\`. -->

\`GET /metrics\` answers in the text format of Prometheus. Totals count since the time that \`/api/stats/ingest\` names as
\`since\`, across restarts; the other counters and the histograms start with the process. With \`ingest.workers\` each is the sum
over all of them, unless its line says otherwise.

| Name | Type | Labels | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

The \`process_*\` and \`nodejs_*\` metrics of prom-client come with them: memory, CPU, garbage collection, and the delay of
the event loop (\`nodejs_eventloop_lag_*\`).
`;
}
