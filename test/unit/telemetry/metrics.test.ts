import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpoolError, WriteError } from '../../../src/errors.ts';
import type { Batch, WriteReport } from '../../../src/pipeline/types.ts';
import { createMetrics, type MetricSources } from '../../../src/telemetry/metrics.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/reference.ts';
import { BUSY } from '../../support/pipeline-states.ts';

const absent: MetricSources = {
  checks: () => ({}),
  pipeline: () => null,
  broker: () => null,
  certificates: () => [],
  clockJumps: () => 0,
  series: () => null,
  imbalances: () => null,
  devices: () => null,
  edges: () => null,
  scheduler: () => null,
  queriesUnlogged: () => 0,
  deadLetters: () => null,
};
const present: MetricSources = {
  checks: () => ({ broker: { ok: true }, database: { ok: false } }),
  pipeline: () => BUSY,
  broker: () => ({ connected: true, reconnects: 3, sessionsLost: 2 }),
  certificates: () => [
    { use: 'mqtt_ca', until: 1_800_000_000_000 },
    { use: 'database_ca', until: 1_900_000_000_000 },
    { use: 'database_ca', until: 1_850_000_000_000 },
  ],
  clockJumps: () => 5,
  series: () => 9,
  imbalances: () => 2,
  devices: () => ({ counts: { learning: 1, ok: 2, silent: 3 }, unwatched: 4 }),
  edges: () => ({ online: 7, offline: 1, missing: 12, reordered: 13, asked: 14 }),
  scheduler: () => ({ leading: true }),
  queriesUnlogged: () => 6,
  deadLetters: () => ({ bytes: 900, maxBytes: 1_000, deleted: 17 }),
};

/** The samples of Tidegate's own metrics, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(METRIC_PREFIX));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(METRIC_PREFIX.length, space), Number(line.slice(space + 1))];
    }),
  );
}

test('what is exposed is what the table says, name for name and type for type', async () => {
  const text = await createMetrics('1.2.3', present).text();
  const exposed = text.matchAll(/^# TYPE tidegate_(\w+) (\w+)$/gm);
  const table = Object.entries(METRICS).map(([name, entry]) => [name, entry.type]);
  assert.deepEqual(
    Array.from(exposed, ([, name, type]) => [name, type]),
    table,
  );
});

test('the totals are those of the balance sheet, however often they are read', async () => {
  const metrics = createMetrics('1.2.3', present);
  await metrics.text();
  const samples = samplesOf(await metrics.text());
  const expected = {
    'build_info{version="1.2.3"}': 1,
    'ready{check="broker"}': 1,
    'ready{check="database"}': 0,
    messages_received_total: 21,
    'messages_total{outcome="settled"}': 11,
    'messages_total{outcome="ignored"}': 1,
    'messages_total{outcome="dead_lettered"}': 2,
    'messages_total{outcome="dropped"}': 3,
    messages_in_flight: 4,
    mqtt_sessions_lost_total: 2,
    'certificate_expiry_timestamp_seconds{certificate="mqtt_ca"}': 1_800_000_000,
    'certificate_expiry_timestamp_seconds{certificate="database_ca"}': 1_850_000_000,
    clock_jumps_total: 5,
    'edge_nodes{state="online"}': 7,
    'edge_nodes{state="offline"}': 1,
    edge_messages_missing_total: 12,
    edge_messages_reordered_total: 13,
    edge_births_asked_total: 14,
    query_log_dropped_total: 6,
    points_decoded_total: 46,
    'points_total{outcome="stored"}': 30,
    'points_total{outcome="duplicate"}': 1,
    'points_total{outcome="conflict"}': 2,
    'points_total{outcome="dead_lettered"}': 3,
    'points_total{outcome="dropped"}': 4,
    points_in_flight: 6,
    balanced: 1,
    queue_points: 6,
    queue_bytes: 700,
    queue_batches: 2,
    queue_limit_points: 100_000,
    queue_limit_bytes: 67_108_864,
    messages_spooled: 0,
    spool_batches: 2,
    spool_messages: 40,
    spool_bytes: 6_000,
    spool_limit_bytes: 1_000_000,
    spool_oldest_timestamp_seconds: 1_767_225_600.25,
    spool_damaged_records: 1,
    'pressure{state="open"}': 0,
    'pressure{state="full"}': 1,
    'pressure{state="away"}': 0,
    last_commit_timestamp_seconds: 1_767_225_600.5,
    series: 9,
    mqtt_connected: 1,
    mqtt_reconnects_total: 3,
    dead_letters_bytes: 900,
    dead_letters_limit_bytes: 1_000,
    dead_letters_deleted_total: 17,
  };
  for (const [sample, value] of Object.entries(expected)) assert.equal(samples.get(sample), value, sample);
  assert.ok(!samples.has('oldest_in_flight_timestamp_seconds'));
});

test('before there is a pipeline, its gauges and totals are absent, not zero', async () => {
  const samples = samplesOf(await createMetrics('1.2.3', absent).text());
  for (const gauge of [
    'messages_received_total',
    'messages_total{outcome="settled"}',
    'points_decoded_total',
    'points_total{outcome="stored"}',
    'balanced',
    'queue_points',
    'spool_bytes',
    'series',
    'mqtt_connected',
    'last_commit_timestamp_seconds',
  ]) {
    assert.ok(!samples.has(gauge), gauge);
  }
});

test('every event is counted under its labels, from zero', async () => {
  const metrics = createMetrics('1.2.3', absent);
  const quiet = samplesOf(await metrics.text());
  assert.equal(quiet.get('batch_seals_total{trigger="idle"}'), 0);
  assert.equal(quiet.get('dead_letters_total{code="payload_not_json"}'), 0);

  const { observer } = metrics;
  const value = new Float64Array(70);
  value.set([2 ** 53, -(2 ** 60), 2 ** 53 - 1, 1e300, Number.NaN]);
  const batch = { points: { length: 70, value }, texts: { length: 7 } } as unknown as Batch;
  observer.sealed('idle', batch);
  observer.committed(batch, {} as WriteReport, 0.004, 0.3);
  observer.writeFailed(new WriteError('retry', '40001', 'serialization'), 1, 0.1);
  observer.writeFailed(new WriteError('retry', null, 'gone'), 1, 0.1);
  observer.dropped('qos0_overflow', 5);
  observer.deadLettered('payload_not_json', 2);
  observer.spooled({ deliveries: [1, 2, 3] } as unknown as Batch, 0.002);
  observer.spoolFailed(new SpoolError('full', 'no room'));

  const samples = samplesOf(await metrics.text());
  const expected = {
    'batch_seals_total{trigger="idle"}': 1,
    'batch_points_bucket{le="50"}': 0,
    'batch_points_bucket{le="100"}': 1,
    batch_points_sum: 77,
    rounded_integers_total: 2,
    'commit_seconds_bucket{le="0.0025"}': 0,
    'commit_seconds_bucket{le="0.005"}': 1,
    lag_seconds_sum: 0.3,
    'write_errors_total{sqlstate="40001",action="retry"}': 1,
    'write_errors_total{sqlstate="none",action="retry"}': 1,
    'dropped_total{reason="qos0_overflow"}': 5,
    'dead_letters_total{code="payload_not_json"}': 2,
    spooled_messages_total: 3,
    spool_append_seconds_sum: 0.002,
    'spool_errors_total{reason="full"}': 1,
  };
  for (const [sample, value] of Object.entries(expected)) assert.equal(samples.get(sample), value, sample);
});

test('the process and its event loop are measured too', async () => {
  const metrics = createMetrics('1.2.3', absent);
  const text = await metrics.text();
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds [\d.e-]+$/m);
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

test('jobs: runs are counted, what is kept across processes is shown by the leader alone', async () => {
  const metrics = createMetrics('1.2.3', present);
  const { schedulerObserver: observer } = metrics;
  const state = { every: 60_000, nextRun: 0, runs: [] };
  observer.led(1, [
    { ...state, name: 'chunks', failures: 2, lastSuccess: 1_767_225_600_000 },
    { ...state, name: 'retention', failures: 0, lastSuccess: null },
  ]);
  const run = { job: 'retention', rows: 1, detail: '', error: null };
  observer.ran({ ...run, startedAt: 1_000, finishedAt: 3_000, outcome: 'succeeded' }, 0);
  observer.ran({ ...run, startedAt: 5_000, finishedAt: 5_500, outcome: 'failed' }, 1);
  const samples = samplesOf(await metrics.text());
  assert.equal(samples.get('scheduler_leader'), 1);
  assert.equal(samples.get('job_failures{job="chunks"}'), 2);
  assert.equal(samples.get('job_failures{job="retention"}'), 1);
  assert.equal(samples.get('job_last_success_timestamp_seconds{job="chunks"}'), 1_767_225_600);
  assert.equal(samples.get('job_last_success_timestamp_seconds{job="retention"}'), 3);
  assert.equal(samples.get('job_runs_total{job="retention",outcome="succeeded"}'), 1);
  assert.equal(samples.get('job_runs_total{job="retention",outcome="failed"}'), 1);
  assert.equal(samples.get('job_run_seconds_sum{job="retention"}'), 2.5);
  observer.followed();
  const after = samplesOf(await metrics.text());
  assert.ok(![...after.keys()].some((name) => /^job_(failures|last)/.test(name)));
  assert.equal(after.get('job_runs_total{job="retention",outcome="failed"}'), 1);
});

test('of several workers each metric is the sum, or what its line of the table says', async () => {
  const worker = createMetrics('1', {
    ...present,
    checks: () => ({ broker: { ok: false }, database: { ok: false } }),
    pipeline: () => ({ ...BUSY, lastCommitAt: 1_767_225_601_500_000 }),
    broker: () => ({ connected: false, reconnects: 1, sessionsLost: 0 }),
  });
  worker.observer.dropped('expired', 2);
  const own = createMetrics('1', { ...present, checks: () => ({ broker: { ok: true } }) });
  own.observer.dropped('expired', 5);
  // As it comes through the channel.
  const text = await own.text([structuredClone(await worker.json())]);
  for (const line of [
    'tidegate_messages_received_total 42',
    'tidegate_points_total{outcome="stored"} 60',
    'tidegate_dropped_total{reason="expired"} 7',
    'tidegate_queue_limit_points 200000',
    'tidegate_ready{check="broker"} 0',
    'tidegate_ready{check="database"} 0',
    'tidegate_balanced 1',
    'tidegate_mqtt_connected 0',
    'tidegate_mqtt_reconnects_total 4',
    'tidegate_last_commit_timestamp_seconds 1767225601.5',
    'tidegate_build_info{version="1"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
});
