import type { Config } from './config/load.ts';
import type { DecodeLimits } from './decode/decoder.ts';
import type { EdgeLimits } from './decode/sparkplug/edge-nodes.ts';
import type { EngineOptions } from './engines/engine.ts';
import type { CertificateFiles } from './http/certificate.ts';
import type { HttpOptions } from './http/server.ts';
import type { SubscriberOptions } from './mqtt/subscriber-options.ts';
import type { VictronKeepaliveOptions } from './mqtt/victron-keepalive.ts';
import type { PipelineOptions } from './pipeline/pipeline.ts';
import type { JobStoreOptions } from './postgres/job-store.ts';
import type { LeaderOptions } from './postgres/leader.ts';
import type { QueryPoolOptions } from './postgres/query-pool.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import type { SinkOptions } from './postgres/sink-options.ts';
import type { DatabaseOptions } from './postgres/startup.ts';
import { secretsOf, type Secrets } from './secrets.ts';

/** The configuration in the words of each module: durations in what it counts in, files as their contents. */

/** Series kept in memory, or those in hand where these are more; the others are looked up again. 190 to 340 bytes each. */
const SERIES_CACHE = 32_000;

/** Milliseconds: what a stream of messages adds to their latency at most, while nothing else waits. */
const STREAM_WAIT = 20;

export function brokerOptions(
  config: Config,
  secrets: Secrets = secretsOf(config),
): Omit<SubscriberOptions, 'filters' | 'logger' | 'observer' | 'onFatal'> {
  const { mqtt } = config;
  return {
    urls: mqtt.urls,
    clientId: mqtt.client_id,
    username: mqtt.username,
    password: secrets.mqttPassword,
    protocolVersion: mqtt.protocol_version,
    shareGroup: mqtt.share_group,
    keepaliveSeconds: mqtt.keepalive / 1000,
    sessionExpirySeconds: mqtt.session_expiry / 1000,
    receiveMaximum: mqtt.receive_maximum,
    maximumPacketBytes: config.ingest.queue.max_bytes,
    retained: config.ingest.retained,
    silenceTimeoutMs: mqtt.silence_timeout,
    startupTimeoutMs: config.startup_timeout,
    tls: secrets.mqttTls,
  };
}

/** Null where nobody is to be asked. */
export function victronOptions(
  config: Config,
  secrets: Secrets,
): Omit<VictronKeepaliveOptions, 'logger'> | null {
  const { portals, interval } = config.mqtt.victron;
  if (portals === null) return null;
  const { urls, clientId, username, password, tls } = brokerOptions(config, secrets);
  const login = { username, password, tls };
  return { urls, clientId: `${clientId}-victron`, login, portals, intervalMs: interval };
}

export function databaseOptions(config: Config): DatabaseOptions {
  const { url, migrate_url: migrateUrl, schema, reader_role: readerRole, engine } = config.database;
  return { url, migrateUrl, schema, readerRole, engine };
}

/** Milliseconds that whoever follows the journal may take between two looks: until then no row is folded while it does. */
export const JOURNAL_STAYS = 4_000;

/** `engine`: as recorded in the database. */
export function sinkOptions(
  config: Config,
  engine: EngineName,
  secrets: Secrets = secretsOf(config),
): SinkOptions {
  const { database, ingest } = config;
  return {
    url: secrets.databaseUrl,
    schema: database.schema,
    clientId: config.mqtt.client_id,
    statementTimeout: database.statement_timeout,
    onDuplicate: ingest.on_duplicate,
    maxSeries: ingest.max_series,
    chunks: { interval: config.policies.chunk_interval * 1000 },
    denseFrom: ingest.dense.min_points,
    engine,
    spools: config.spool.path !== null,
  };
}

export function queryPoolOptions({ database }: Config, secrets: Secrets): QueryPoolOptions {
  return {
    url: secrets.queryUrl,
    schema: database.schema,
    statementTimeout: database.query_timeout,
    connections: database.query_connections,
  };
}

/** Of a server that speaks HTTPS. */
export function certificateFiles({ http }: Config): CertificateFiles {
  return { cert: http.tls.cert ?? '', key: http.tls.key ?? '' };
}

export function serverOptions({ http }: Config): Omit<HttpOptions, 'version' | 'logger' | 'ports'> {
  const { cert, key, hsts } = http.tls;
  return {
    host: http.host,
    port: http.port,
    tokens: http.tokens,
    allowAnonymous: http.allow_anonymous,
    tls: cert === null || key === null ? null : { cert, key, hsts: hsts / 1000 },
    maxBody: http.max_body,
    requestTimeout: http.request_timeout,
    maxConnections: http.max_connections,
    rateLimit: http.rate_limit,
    origins: http.cors.origins ?? [],
  };
}

export function engineOptions(config: Config, secrets: Secrets = secretsOf(config)): EngineOptions {
  const { database, policies, dead_letters: deadLetters } = config;
  const {
    raw,
    text,
    query_log: queryLog,
    job_history: jobHistory,
    schedule_interval: every,
    ...levels
  } = policies.retention;
  const level = (name: keyof typeof policies.aggregates) => {
    const { enabled, start_offset, end_offset, schedule_interval } = policies.aggregates[name];
    return { enabled, startOffset: start_offset, endOffset: end_offset, scheduleInterval: schedule_interval };
  };
  return {
    url: secrets.databaseUrl,
    ownerUrl: secrets.ownerUrl,
    schema: database.schema,
    statementTimeout: database.statement_timeout,
    chunkInterval: policies.chunk_interval,
    levels: {
      '1min': level('1min'),
      '15min': level('15min'),
      '1hour': level('1hour'),
      '1day': level('1day'),
    },
    series: [
      ...policies.series.map((series) => ({
        route: series.route,
        deviceId: series.device_id,
        metricName: series.metric_name,
        aggregates: series.aggregates,
        retention: series.retention,
        counterTolerance: series.counter_tolerance,
        counterRollover: series.counter_rollover,
        longestHold: series.longest_hold ?? policies.longest_hold,
      })),
      generalPolicy(policies.longest_hold),
    ],
    compression: {
      enabled: policies.compression.enabled,
      after: policies.compression.after,
      every: policies.compression.schedule_interval,
    },
    retention: { raw, text, levels, deadLetters: deadLetters.retention, queryLog, jobHistory, every },
  };
}

/** What holds for series that no item of policies.series names. */
function generalPolicy(longestHold: number): EngineOptions['series'][number] {
  return {
    route: null,
    deviceId: '*',
    metricName: '*',
    aggregates: true,
    retention: null,
    counterTolerance: 0,
    counterRollover: null,
    longestHold,
  };
}

export function jobStoreOptions(config: Config, secrets: Secrets = secretsOf(config)): JobStoreOptions {
  return { url: secrets.databaseUrl, schema: config.database.schema };
}

export function leaderOptions(config: Config, secrets: Secrets): LeaderOptions {
  return { url: secrets.databaseUrl, schema: config.database.schema, clientId: config.mqtt.client_id };
}

export function pipelineOptions(config: Config): PipelineOptions {
  const { ingest, mqtt, database, spool } = config;
  // A record must fit into one of the files that the spool consists of.
  const record = spool.path === null ? Number.POSITIVE_INFINITY : spool.max_bytes / 8;
  return {
    writers: database.writers,
    batch: {
      maxPoints: Math.min(ingest.batch.max_points, ingest.queue.max_points),
      // Each writer has one, and one is open.
      mostPoints: Math.max(
        Math.min(ingest.batch.max_points, ingest.queue.max_points),
        Math.floor(ingest.queue.max_points / (database.writers + 1)),
      ),
      maxBytes: Math.min(ingest.batch.max_bytes, ingest.queue.max_bytes, record),
      maxWait: Math.max(ingest.batch.max_wait, ingest.batch.min_wait),
      minWait: ingest.batch.min_wait,
      streamWait: STREAM_WAIT,
    },
    pressure: {
      maxPoints: ingest.queue.max_points,
      maxBytes: ingest.queue.max_bytes,
      maxPause: mqtt.keepalive / 4,
    },
    admission: {
      maxFuture: ingest.max_future * 1000,
      maxAge: ingest.max_age === null ? Number.POSITIVE_INFINITY : ingest.max_age * 1000,
    },
    qos0: ingest.qos0,
    seriesCache: SERIES_CACHE,
    spoolAfter: spool.after,
  };
}

export function edgeLimits({ sparkplug }: Config): EdgeLimits {
  return { nodes: sparkplug.max_nodes, metrics: sparkplug.max_metrics };
}

export function readsSparkplug({ routes }: Config): boolean {
  return routes.some(({ format }) => format === 'sparkplug_b');
}

export function decodeLimits(config: Config): DecodeLimits {
  const { limits, queue } = config.ingest;
  return {
    messageBytes: Math.min(limits.message_bytes, queue.max_bytes),
    pointsPerMessage: limits.points_per_message,
    namesPerMessage: limits.names_per_message,
    nesting: limits.nesting,
    nameLength: limits.name_length,
    textLength: limits.text_length,
  };
}
