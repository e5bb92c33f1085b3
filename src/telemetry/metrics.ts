/** The metrics of one daemon, in a registry of its own. */

import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PipelineObserver, PipelineState, PointColumns } from '../pipeline/types.ts';
import type { SchedulerObserver } from '../scheduler/types.ts';
import {
  type CERTIFICATE_USES,
  CHECKS,
  DEVICE_STATES,
  EDGE_STATES,
  MESSAGE_OUTCOMES,
  METRIC_PREFIX,
  METRICS,
  type MetricEntry,
  type MetricName,
  POINT_OUTCOMES,
  PRESSURES,
} from './reference.ts';

/** What is read at every scrape; null: not there yet, and its gauges are absent. */
export interface MetricSources {
  /** What /readyz looks at. */
  checks(): Readonly<Partial<Record<(typeof CHECKS)[number], { readonly ok: boolean }>>>;
  pipeline(): PipelineState | null;
  broker(): {
    readonly connected: boolean;
    readonly reconnects: number;
    readonly sessionsLost: number;
  } | null;
  /** When certificates expire, in milliseconds since 1970. */
  certificates(): readonly { readonly use: (typeof CERTIFICATE_USES)[number]; readonly until: number }[];
  /** Times that the clock of this machine was set by more than a second. */
  clockJumps(): number;
  /** Series that this process has seen. */
  series(): number | null;
  /** Checks of the account that failed. */
  imbalances(): number | null;
  /** Devices that are watched, by state, and messages of others. */
  devices(): {
    readonly counts: Readonly<Record<(typeof DEVICE_STATES)[number], number>>;
    readonly unwatched: number;
  } | null;
  /** Sparkplug edge nodes; null where no route reads them. */
  edges(): {
    readonly online: number;
    readonly offline: number;
    readonly missing: number;
    readonly reordered: number;
    readonly asked: number;
  } | null;
  scheduler(): { readonly leading: boolean } | null;
  /** Questions that were not written down. */
  queriesUnlogged(): number;
  deadLetters(): { readonly bytes: number; readonly maxBytes: number; readonly deleted: number } | null;
}

export interface Metrics {
  readonly observer: PipelineObserver;
  readonly schedulerObserver: SchedulerObserver;
  readonly watchObserver: {
    silent(devices: number): void;
    announced(subject: string, outcome: string): void;
  };
  /** The exposition format of Prometheus; with what `json` gave in other processes, merged as the table says. */
  text(others?: readonly (readonly object[])[]): Promise<string>;
  /** For the `text` of another process. */
  json(): Promise<readonly object[]>;
  readonly contentType: string;
}

export function createMetrics(version: string, sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = register(registry);
  metrics.gauge('build_info').set({ version }, 1);
  return {
    observer: observer(metrics),
    schedulerObserver: schedulerObserver(metrics),
    watchObserver: {
      silent: (devices) => metrics.counter('device_silences_total').inc(devices),
      announced: (subject, outcome) => metrics.counter('announcements_total').inc({ subject, outcome }),
    },
    text: async (others = []) => {
      read(sources, metrics);
      if (others.length === 0) return await registry.metrics();
      return await AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...others]).metrics();
    },
    json: async () => {
      read(sources, metrics);
      return await registry.getMetricsAsJSON();
    },
    contentType: registry.contentType,
  };
}

type NamesOf<Type extends MetricEntry['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];

interface Registered {
  counter(name: NamesOf<'counter'>): Counter;
  gauge(name: NamesOf<'gauge'>): Gauge;
  histogram(name: NamesOf<'histogram'>): Histogram;
}

function register(registry: Registry): Registered {
  const created = new Map<MetricName, Counter | Gauge | Histogram>();
  for (const [name, entry] of Object.entries(METRICS) as [MetricName, MetricEntry][]) {
    const shape = {
      name: METRIC_PREFIX + name,
      help: entry.help,
      labelNames: Object.keys(entry.labels ?? {}),
      registers: [registry],
      aggregator: entry.merged ?? ('sum' as const),
    };
    if (entry.type === 'histogram')
      created.set(name, new Histogram({ ...shape, buckets: [...(entry.buckets ?? [])] }));
    else if (entry.type === 'gauge') created.set(name, new Gauge(shape));
    else created.set(name, startAtZero(new Counter(shape), entry));
  }
  return {
    counter: (name) => created.get(name) as Counter,
    gauge: (name) => created.get(name) as Gauge,
    histogram: (name) => created.get(name) as Histogram,
  };
}

/** So that the first event is an increase, not the appearance of a series that `rate` cannot see. */
function startAtZero(counter: Counter, entry: MetricEntry): Counter {
  const [label, ...others] = Object.entries(entry.labels ?? {});
  if (label === undefined || others.length > 0) return counter;
  for (const value of label[1] ?? []) counter.inc({ [label[0]]: value }, 0);
  return counter;
}

function observer(metrics: Registered): PipelineObserver {
  return {
    sealed(trigger, batch) {
      metrics.counter('batch_seals_total').inc({ trigger });
      metrics.histogram('batch_points').observe(batch.points.length + batch.texts.length);
      metrics.counter('rounded_integers_total').inc(roundedIntegers(batch.points));
    },
    committed(_batch, _report, commitSeconds, lagSeconds) {
      metrics.histogram('commit_seconds').observe(commitSeconds);
      metrics.histogram('lag_seconds').observe(lagSeconds);
    },
    writeFailed(error) {
      metrics.counter('write_errors_total').inc({ sqlstate: error.sqlstate ?? 'none', action: error.action });
    },
    dropped(reason, count) {
      metrics.counter('dropped_total').inc({ reason }, count);
    },
    deadLettered(code, count) {
      metrics.counter('dead_letters_total').inc({ code }, count);
    },
    spooled(batch, seconds) {
      metrics.counter('spooled_messages_total').inc(batch.deliveries.length);
      metrics.histogram('spool_append_seconds').observe(seconds);
    },
    spoolFailed({ reason }) {
      metrics.counter('spool_errors_total').inc({ reason });
    },
  };
}

/** What is kept across processes is shown by the leader alone: elsewhere it would be out of date. */
function schedulerObserver(metrics: Registered): SchedulerObserver {
  const lastSuccess = metrics.gauge('job_last_success_timestamp_seconds');
  const failing = metrics.gauge('job_failures');
  return {
    led(_epoch, jobs) {
      for (const { name: job, lastSuccess: at, failures } of jobs) {
        if (at !== null) lastSuccess.set({ job }, at / 1000);
        failing.set({ job }, failures);
      }
    },
    followed() {
      lastSuccess.reset();
      failing.reset();
    },
    troubled() {},
    ran({ job, outcome, startedAt, finishedAt }, failures) {
      const end = finishedAt ?? startedAt;
      metrics.counter('job_runs_total').inc({ job, outcome: outcome ?? 'failed' });
      metrics.histogram('job_run_seconds').observe({ job }, (end - startedAt) / 1000);
      failing.set({ job }, failures);
      if (outcome === 'succeeded') lastSuccess.set({ job }, end / 1000);
    },
  };
}

/** Values that may have lost digits. Beyond 2^64 no device means an integer. */
function roundedIntegers({ value, length }: PointColumns): number {
  let count = 0;
  for (let row = 0; row < length; row++) {
    const magnitude = Math.abs(value[row] as number);
    if (magnitude > Number.MAX_SAFE_INTEGER && magnitude <= 2 ** 64) count++;
  }
  return count;
}

/** The balance sheet is the one account of messages and points: its totals are copied, not counted again. */
function read(sources: MetricSources, metrics: Registered): void {
  const set = (name: NamesOf<'gauge'>, value: number | boolean | null | undefined) => {
    metrics.gauge(name).remove();
    if (value !== null && value !== undefined) metrics.gauge(name).set(Number(value));
  };
  const copy = (name: NamesOf<'counter'>, total: number) => {
    metrics.counter(name).reset();
    metrics.counter(name).inc(total);
  };
  const copyOutcomes = <Outcome extends string>(
    name: 'messages_total' | 'points_total',
    outcomes: readonly Outcome[],
    totals: Readonly<Record<Outcome, number>>,
  ) => {
    metrics.counter(name).reset();
    for (const outcome of outcomes) metrics.counter(name).inc({ outcome }, totals[outcome]);
  };

  const checks = sources.checks();
  metrics.gauge('ready').reset();
  for (const check of CHECKS) {
    const made = checks[check];
    if (made !== undefined) metrics.gauge('ready').set({ check }, Number(made.ok));
  }
  const state = sources.pipeline();
  // Not 0 until the account is known: it goes on across restarts, and `increase` would take all of it for new.
  for (const name of ['messages_received_total', 'points_decoded_total'] as const)
    metrics.counter(name).remove();
  for (const name of ['messages_total', 'points_total'] as const) metrics.counter(name).reset();
  if (state !== null) {
    const { messages, points } = state.stats;
    copy('messages_received_total', messages.received);
    copyOutcomes('messages_total', MESSAGE_OUTCOMES, messages);
    copy('points_decoded_total', points.decoded);
    copyOutcomes('points_total', POINT_OUTCOMES, points);
  }
  set('messages_in_flight', state?.stats.messages.in_flight);
  set('points_in_flight', state?.stats.points.in_flight);
  set('messages_spooled', state?.stats.messages.spooled);
  set('points_spooled', state?.stats.points.spooled);
  set('balanced', state?.stats.balanced);
  copy('imbalances_total', sources.imbalances() ?? 0);
  set('queue_points', state?.queue.points);
  set('queue_bytes', state?.queue.bytes);
  set('queue_batches', state?.queue.batches);
  set('queue_limit_points', state?.maximum.points);
  set('queue_limit_bytes', state?.maximum.bytes);
  set('last_commit_timestamp_seconds', inSeconds(state?.lastCommitAt));
  set('oldest_in_flight_timestamp_seconds', inSeconds(state?.oldestInFlightAt));
  set('spool_batches', state?.spool?.batches);
  set('spool_messages', state?.spool?.messages);
  set('spool_bytes', state?.spool?.bytes);
  set('spool_limit_bytes', state?.spool?.maxBytes);
  set('spool_oldest_timestamp_seconds', inSeconds(state?.spool?.oldestAt));
  set('spool_damaged_records', state?.spool?.damaged.records);
  for (const pressure of PRESSURES) {
    metrics.gauge('pressure').set({ state: pressure }, Number(pressure === state?.pressure));
  }
  set('series', sources.series());
  const devices = sources.devices();
  for (const state of DEVICE_STATES) {
    if (devices !== null) metrics.gauge('devices').set({ state }, devices.counts[state]);
  }
  copy('device_messages_unwatched_total', devices?.unwatched ?? 0);
  const edges = sources.edges();
  for (const state of EDGE_STATES)
    if (edges !== null) metrics.gauge('edge_nodes').set({ state }, edges[state]);
  copy('edge_messages_missing_total', edges?.missing ?? 0);
  copy('edge_messages_reordered_total', edges?.reordered ?? 0);
  copy('edge_births_asked_total', edges?.asked ?? 0);
  const broker = sources.broker();
  set('mqtt_connected', broker?.connected);
  if (broker !== null) {
    copy('mqtt_reconnects_total', broker.reconnects);
    copy('mqtt_sessions_lost_total', broker.sessionsLost);
  }
  const certificates = Map.groupBy(sources.certificates(), ({ use }) => use);
  const expiry = metrics.gauge('certificate_expiry_timestamp_seconds');
  expiry.reset();
  for (const [certificate, found] of certificates)
    expiry.set({ certificate }, Math.min(...found.map(({ until }) => until)) / 1000);
  copy('clock_jumps_total', sources.clockJumps());
  copy('query_log_dropped_total', sources.queriesUnlogged());
  const letters = sources.deadLetters();
  set('dead_letters_bytes', letters?.bytes);
  set('dead_letters_limit_bytes', letters?.maxBytes);
  copy('dead_letters_deleted_total', letters?.deleted ?? 0);
  set('scheduler_leader', sources.scheduler()?.leading);
}

function inSeconds(microseconds: number | null | undefined): number | null {
  return microseconds === null || microseconds === undefined ? null : microseconds / 1e6;
}
