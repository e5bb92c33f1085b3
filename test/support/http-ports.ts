import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ApplicationOptions } from '../../src/http/application.ts';
import type { Token } from '../../src/http/guard.ts';
import type { DeviceShown, HttpPorts } from '../../src/http/ports.ts';
import { TidegateError } from '../../src/errors.ts';
import type { IngestStats } from '../../src/pipeline/types.ts';
import type { JobReport } from '../../src/scheduler/types.ts';
import { METRICS } from './metric-ports.ts';

export const TOKEN = 'tg_correct-horse.battery~staple';

export const TOKENS = [token('other', 'another', 'read'), token('grafana', TOKEN, 'operator')];

/** As the configuration holds it; `devices` are the prefixes of those that it sees. */
export function token(
  name: string,
  secret: string,
  scope: 'read' | 'operator',
  devices: readonly string[] = [],
): Token {
  return { name, sha256: createHash('sha256').update(secret).digest('hex'), scope, devices };
}

export const STATS: IngestStats = {
  since: '2026-01-01T00:00:00.000Z',
  balanced: true,
  messages: {
    received: 6_000_000_000,
    settled: 5_999_999_999,
    ignored: 0,
    dead_lettered: 1,
    dropped: 0,
    in_flight: 0,
    spooled: 0,
  },
  points: {
    decoded: 2,
    stored: 1,
    duplicate: 1,
    conflict: 0,
    dead_lettered: 0,
    dropped: 0,
    in_flight: 0,
    spooled: 0,
  },
};

const CHUNK = {
  name: 'points_20260101_000000',
  source: 'points',
  state: 'sealed',
  range_start: '2026-01-01T00:00:00.000Z',
  range_end: '2026-01-02T00:00:00.000Z',
  rows: 1_000,
  rows_estimated: false,
  bytes: 2_000,
  bytes_before: 100_000,
  ratio: 50,
};

/** One chunk; whatever else is asked for is unknown. */
export const CHUNKS: HttpPorts['chunks'] = {
  list: async () => [CHUNK],
  compress: async (name) => ordered(name, 'compressed'),
  decompress: async (name) => ordered(name, 'opened'),
  compression: async () => [
    {
      chunk: CHUNK.name,
      source: 'points',
      points: 1_000,
      bytes_before: 100_000,
      bytes_after: 2_000,
      ratio: 50,
    },
  ],
};

/** Ten devices, the first with a name that a path has to encode. */
export const DEVICE_NAMES: readonly string[] = [
  'a/b?ü %',
  'd1',
  'd2',
  'd3',
  'd4',
  'd5',
  'd6',
  'd7',
  'd8',
  'd9',
];

const METRIC = {
  metric_name: 'temperature',
  kind: 'gauge',
  unit: '°C',
  tags: { site: 'berlin' },
  value: 21.5,
  timestamp: '2026-01-02T00:00:00.000000Z',
  points: 10,
  first_seen: '2026-01-01T00:00:00.000000Z',
  last_seen: '2026-01-02T00:00:00.000000Z',
};

export const DEVICES: HttpPorts['devices'] = {
  list: async ({ after, limit }) =>
    DEVICE_NAMES.filter((name) => after === null || name > after)
      .slice(0, limit)
      .map(shown),
  find: async (deviceId) => {
    if (!DEVICE_NAMES.includes(deviceId))
      throw new TidegateError('device_unknown', `there is no device ${JSON.stringify(deviceId)}`);
    return { ...shown(deviceId), metrics: [METRIC] };
  },
};

function shown(deviceId: string): DeviceShown {
  return {
    device_id: deviceId,
    device_name: 'Boiler',
    series: 2,
    points: 10,
    first_seen: '2026-01-01T00:00:00.000000Z',
    last_seen: '2026-01-02T00:00:00.000000Z',
    state: 'silent',
    last_arrival: '2026-01-02T00:00:01.500000Z',
    expected_interval: 60,
    clock_skew: 1.5,
  };
}

function ordered(name: string, detail: string): JobReport {
  if (name !== CHUNK.name) throw new TidegateError('chunk_unknown', `${name} is not a chunk of points`);
  return { rows: 1_000, detail };
}

const LETTER = {
  dead_letter_id: 7,
  received_at: '2026-01-01T00:00:00.000001Z',
  client_id: 'tidegate',
  topic: 'plant/温度',
  qos: 1,
  retained: false,
  route: null,
  code: 'no_route',
  detail: 'topic "plant/温度"',
  points: 1,
  stored: null,
  bytes: 4,
};

/** One dead letter, of the id 7; orders are echoed in what they report. */
export const LETTERS: HttpPorts['deadLetters'] = {
  groups: async () => [
    {
      code: 'no_route',
      route: null,
      letters: 1,
      points: 1,
      bytes: 4,
      oldest: LETTER.received_at,
      newest: LETTER.received_at,
      topic: LETTER.topic,
      example: { dead_letter_id: 7, topic: LETTER.topic, detail: LETTER.detail },
    },
  ],
  list: async () => [LETTER],
  show: async (id) => {
    if (id !== 7) throw new TidegateError('dead_letter_unknown', `there is no dead letter ${id}`);
    return { ...LETTER, payload_text: '21.5', payload_base64: 'MjEuNQ==', truncated: false };
  },
  payload: async () => Readable.from([Buffer.of(0, 255), Buffer.of(128)], { objectMode: false }),
  replay: async (query, { dryRun }) => ({
    dry_run: dryRun,
    letters: 1,
    replayed: query.ids?.includes(7) === true ? 1 : 0,
    failed: 0,
    taken: 0,
    points: { decoded: 1, stored: 1, duplicate: 0, conflict: 0, dead_lettered: 0, dropped: 0 },
    reasons: { no_route: 1 },
    sample: [
      { device_id: '温度', metric_name: 'a', value: 21.5, timestamp: LETTER.received_at },
      { device_id: '温度', metric_name: 'b', value: 'on', timestamp: LETTER.received_at },
    ],
    complete: true,
  }),
  drop: async ({ ids }, { dryRun }) => ({
    dry_run: dryRun,
    dropped: ids === undefined || ids.includes(7) ? 1 : 0,
  }),
};

const COLLECTED = {
  total_points: 5_000_000_000,
  device_count: 2,
  metric_count: 3,
  earliest_point: '2026-01-01T00:00:00.000000Z',
  latest_point: '2026-01-01T00:59:59.999999Z',
};
const EMPTY = {
  total_points: 0,
  device_count: 0,
  metric_count: 0,
  earliest_point: null,
  latest_point: null,
};

export const STATISTICS: HttpPorts['statistics'] = {
  collection: async () => ({ hour: EMPTY, ever: COLLECTED, asOf: '2026-01-01T00:00:00.000000Z' }),
  rates: async (minutes) =>
    Array.from({ length: minutes }, (_, index) => ({
      minute: '2026-01-01T00:00:00.000000Z',
      points: 60 * index,
      points_per_second: index,
    })),
  queries: async () => [
    {
      query_type: 'latest',
      execution_count: 2,
      avg_duration_ms: 1.5,
      p95_duration_ms: 2.25,
      avg_result_count: 7.5,
    },
  ],
};

const NO_ANOMALIES: HttpPorts['anomalies'] = {
  find: async () => ({ baseline: { points: 0, mean: null, stddev: null }, anomalies: [] }),
};

/** What the application asks for, with answers that a test can tell; `logged` gathers what it logs. */
export function httpOptions(
  over: Partial<Omit<ApplicationOptions, 'ports'>> & { ports?: Partial<HttpPorts> } = {},
  logged: object[] = [],
): ApplicationOptions {
  const log = (fields: object) => void logged.push(fields);
  return {
    host: '127.0.0.1',
    tokens: [],
    tls: null,
    maxBody: 65_536,
    requestTimeout: 10_000,
    maxConnections: 1_000,
    rateLimit: 0,
    origins: [],
    version: '1.2.3',
    logger: { debug: log, info: log, warn: log, error: log },
    ...over,
    ports: {
      ready: () => ({ ready: true, checks: { broker: { ok: true, detail: 'subscribed' } } }),
      metricsText: async () => ({ body: 'tidegate_balanced 1\n', contentType: 'text/plain; version=0.0.4' }),
      ingestStats: async () => STATS,
      jobs: async () => ({ leader: { epoch: 0, name: null, since: null }, jobs: [] }),
      chunks: CHUNKS,
      devices: DEVICES,
      metrics: METRICS,
      latest: { page: async () => ({ series: [], times: new Float64Array(), values: [], next: null }) },
      live: { listen: () => null },
      anomalies: NO_ANOMALIES,
      runJob: async () => 'unknown',
      deadLetters: LETTERS,
      statistics: STATISTICS,
      explain: async (topic, payload) => ({
        route: topic,
        points: [
          {
            device_id: 'd',
            metric_name: 'm',
            value: Buffer.from(payload).toString('hex'),
            timestamp: LETTER.received_at,
          },
        ],
        dead_letter: null,
      }),
      logQuery: () => {},
      ...over.ports,
    },
  };
}
