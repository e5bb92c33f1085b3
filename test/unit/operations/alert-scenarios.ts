/** What Prometheus saw in the last two hours, a sample every five minutes, and which alerts that raises. */

/** By the name of the series, in promtool's notation: `start+stepxtimes`. */
export type Samples = Readonly<Record<string, string>>;

export interface Scenario {
  readonly name: string;
  /** Other than when all is well. */
  readonly samples: Samples;
  /** Series that are not there. */
  readonly without?: readonly string[];
  readonly alerts: readonly string[];
}

export const MINUTES = 120;
export const INTERVAL = 5;
const SAMPLES = MINUTES / INTERVAL;

/** A value that stays, and one that grows by so much a minute. */
const still = (value: number) => `${value}+0x${SAMPLES}`;
const growing = (start: number, step: number) =>
  `${start}${step < 0 ? '' : '+'}${step * INTERVAL}x${SAMPLES}`;
const DAY = 86_400;
/** The time of each sample: whatever it is the time of, it is a moment ago. */
const NOW = growing(0, 60);
/** Once, half an hour ago. */
const ONCE = `0+0x${SAMPLES - 6} 1+0x5`;

const NOTHING_COMES: Samples = {
  tidegate_messages_received_total: still(5_000_000),
  'tidegate_messages_total{outcome="dead_lettered"}': still(40_000),
};

/** A site of a thousand messages a minute: now and then one is a dead letter, and one device is away. */
export const WELL: Samples = {
  up: still(1),
  process_start_time_seconds: still(1),
  'tidegate_ready{check="broker"}': still(1),
  'tidegate_ready{check="database"}': still(1),
  tidegate_mqtt_connected: still(1),
  tidegate_mqtt_sessions_lost_total: still(3),
  tidegate_messages_received_total: growing(5_000_000, 1_000),
  'tidegate_messages_total{outcome="dead_lettered"}': growing(40_000, 1),
  'tidegate_devices{state="ok"}': still(100),
  'tidegate_devices{state="silent"}': still(6),
  'tidegate_lag_seconds_bucket{le="10"}': growing(0, 60),
  'tidegate_lag_seconds_bucket{le="60"}': growing(0, 60),
  'tidegate_lag_seconds_bucket{le="+Inf"}': growing(0, 60),
  tidegate_oldest_in_flight_timestamp_seconds: NOW,
  'tidegate_pressure{state="open"}': still(1),
  'tidegate_pressure{state="full"}': still(0),
  'tidegate_pressure{state="away"}': still(0),
  'tidegate_dropped_total{reason="qos0_overflow"}': still(9),
  'tidegate_dropped_total{reason="text_unchanged"}': growing(0, 100),
  tidegate_spool_bytes: still(0),
  tidegate_spool_messages: still(0),
  tidegate_spool_limit_bytes: still(1e9),
  tidegate_spool_damaged_records: still(0),
  'tidegate_spool_errors_total{reason="failed"}': still(0),
  tidegate_dead_letters_deleted_total: still(0),
  tidegate_balanced: still(1),
  tidegate_imbalances_total: still(0),
  'tidegate_job_failures{exported_job="aggregates"}': still(1),
  'tidegate_job_last_success_timestamp_seconds{exported_job="aggregates"}': NOW,
  'tidegate_job_last_success_timestamp_seconds{exported_job="retention"}': still(0),
  tidegate_scheduler_leader: still(1),
  tidegate_clock_jumps_total: still(1),
  'tidegate_certificate_expiry_timestamp_seconds{certificate="http"}': still(90 * DAY),
  'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': still(5e11),
  'node_filesystem_size_bytes{fstype="ext4",mountpoint="/"}': still(1e12),
};

export const SCENARIOS: readonly Scenario[] = [
  { name: 'all is well', samples: {}, alerts: [] },
  { name: 'the process is gone', samples: { up: still(0) }, alerts: ['TidegateDown'] },
  { name: 'nobody is scraped', samples: {}, without: ['up'], alerts: ['TidegateDown'] },
  {
    name: 'it started anew',
    samples: { process_start_time_seconds: ONCE },
    alerts: [],
  },
  {
    name: 'it starts every five minutes',
    samples: { process_start_time_seconds: NOW },
    alerts: ['TidegateRestarting'],
  },
  {
    name: 'the broker is away',
    samples: {
      'tidegate_ready{check="broker"}': still(0),
      tidegate_mqtt_connected: still(0),
      ...NOTHING_COMES,
    },
    alerts: ['TidegateBrokerAway'],
  },
  {
    name: 'the session is lost',
    samples: { tidegate_mqtt_sessions_lost_total: ONCE },
    alerts: ['TidegateSessionLost'],
  },
  {
    name: 'nothing comes',
    samples: NOTHING_COMES,
    alerts: ['TidegateNoData'],
  },
  {
    name: 'a process that only runs jobs receives nothing',
    samples: NOTHING_COMES,
    without: ['tidegate_mqtt_connected'],
    alerts: [],
  },
  {
    name: 'a third of the devices is silent',
    samples: { 'tidegate_devices{state="ok"}': still(66), 'tidegate_devices{state="silent"}': still(33) },
    alerts: ['TidegateDevicesSilent'],
  },
  {
    name: 'one of two devices is silent',
    samples: { 'tidegate_devices{state="ok"}': still(1), 'tidegate_devices{state="silent"}': still(1) },
    alerts: [],
  },
  {
    name: 'the database is away, and the spool has room for long',
    samples: {
      'tidegate_ready{check="database"}': still(0),
      tidegate_spool_bytes: growing(0, 100_000),
      tidegate_spool_messages: growing(1, 1_000),
    },
    alerts: ['TidegateDatabaseAway', 'TidegateSpoolGrowing'],
  },
  {
    name: 'the database is away, and the spool is full soon',
    samples: {
      'tidegate_ready{check="database"}': still(0),
      tidegate_spool_bytes: growing(0, 3_000_000),
      tidegate_spool_messages: growing(1, 1_000),
    },
    alerts: ['TidegateDatabaseAway', 'TidegateSpoolFull', 'TidegateSpoolGrowing'],
  },
  {
    name: 'the spool is drained',
    samples: {
      tidegate_spool_bytes: growing(8e8, -1_000_000),
      tidegate_spool_messages: growing(1e6, -1_000),
    },
    alerts: [],
  },
  {
    name: 'the spool is full',
    samples: { tidegate_spool_bytes: still(9.9e8) },
    alerts: ['TidegateSpoolFull'],
  },
  {
    name: 'the disk of the spool fails',
    samples: { 'tidegate_spool_errors_total{reason="failed"}': growing(0, 1) },
    alerts: ['TidegateSpoolFailing'],
  },
  {
    name: 'a record of the spool is damaged',
    samples: { tidegate_spool_damaged_records: still(1) },
    alerts: ['TidegateSpoolFailing'],
  },
  {
    name: 'batches take long',
    samples: { 'tidegate_lag_seconds_bucket{le="10"}': growing(0, 30) },
    alerts: ['TidegateLagging'],
  },
  {
    name: 'a message stays in hand',
    samples: { tidegate_oldest_in_flight_timestamp_seconds: still(5_000) },
    alerts: ['TidegateStuck'],
  },
  {
    name: 'the queue is full, and QoS 0 messages go',
    samples: {
      'tidegate_pressure{state="open"}': still(0),
      'tidegate_pressure{state="full"}': still(1),
      'tidegate_dropped_total{reason="qos0_overflow"}': growing(0, 10),
    },
    alerts: ['TidegateIntakeHeld', 'TidegateMessagesDropped'],
  },
  {
    name: 'a device sends what no route reads',
    samples: { 'tidegate_messages_total{outcome="dead_lettered"}': growing(0, 50) },
    alerts: ['TidegateDeadLetters'],
  },
  {
    name: 'dead letters exceed their room',
    samples: { tidegate_dead_letters_deleted_total: growing(0, 1) },
    alerts: ['TidegateDeadLettersDeleted'],
  },
  {
    name: 'the sheet does not add up',
    samples: { tidegate_balanced: still(0) },
    alerts: ['TidegateUnbalanced'],
  },
  {
    name: 'the sheet differs from what is committed',
    samples: { tidegate_imbalances_total: growing(0, 12) },
    alerts: ['TidegateUnbalanced'],
  },
  {
    name: 'a job fails',
    samples: { 'tidegate_job_failures{exported_job="aggregates"}': still(5) },
    alerts: ['TidegateJobFailing'],
  },
  {
    name: 'the aggregates are two hours late',
    samples: {
      'tidegate_job_last_success_timestamp_seconds{exported_job="aggregates"}': still(0),
    },
    alerts: ['TidegateAggregatesLate'],
  },
  { name: 'nobody leads', samples: { tidegate_scheduler_leader: still(0) }, alerts: ['TidegateNoScheduler'] },
  {
    name: 'the clock was set',
    samples: { tidegate_clock_jumps_total: ONCE },
    alerts: ['TidegateClockJumped'],
  },
  {
    name: 'a certificate expires next week',
    samples: { 'tidegate_certificate_expiry_timestamp_seconds{certificate="http"}': still(7 * DAY) },
    alerts: ['TidegateCertificateExpires'],
  },
  {
    name: 'a certificate expires tomorrow',
    samples: { 'tidegate_certificate_expiry_timestamp_seconds{certificate="http"}': still(DAY) },
    alerts: ['TidegateCertificateExpires', 'TidegateCertificateExpiresNow'],
  },
  {
    name: 'the disk fills slowly',
    samples: { 'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': growing(3.2e11, -6e7) },
    alerts: ['DiskFullInDays'],
  },
  {
    name: 'the disk fills fast',
    samples: { 'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': growing(2e11, -2.5e8) },
    alerts: ['DiskFullInDays', 'DiskFullInHours'],
  },
  {
    name: 'the disk is nearly full',
    samples: { 'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': still(2e10) },
    alerts: ['DiskFullInHours'],
  },
];
