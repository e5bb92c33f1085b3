import { availableParallelism } from 'node:os';
import { brokerOptions, databaseOptions, decodeLimits, engineOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { createDecoder } from '../decode/decoder.ts';
import type { ChunkInfo } from '../engines/engine.ts';
import { createEngine } from '../engines/open.ts';
import { TidegateError } from '../errors.ts';
import { readBrokerTopics } from '../mqtt/broker-topics.ts';
import { type Grant, shortfalls } from '../mqtt/grant.ts';
import { probeBroker } from '../mqtt/probe.ts';
import type { SubscriberOptions } from '../mqtt/subscriber-options.ts';
import type { Logger } from '../pipeline/types.ts';
import { type EngineName, engineOf } from '../postgres/engine-choice.ts';
import { pendingMigrations } from '../postgres/migrate.ts';
import { schemaNames } from '../postgres/names.ts';
import { type IngestFacts, readIngest, readServer, type ServerFacts } from '../postgres/server-facts.ts';
import { withConnection } from '../postgres/session.ts';
import { brokerFindings } from './broker-rules.ts';
import type { Area, Diagnosis, Finding, Unseen } from './finding.ts';
import { type Growth, growthOf } from './growth.ts';
import {
  diskOf,
  findMosquitto,
  isClockSynchronised,
  isPostgres,
  isThisMachine,
  memory,
  openFiles,
} from './host-inspection.ts';
import { type Disk, hostFindings } from './host-rules.ts';
import { serverFindings } from './server-rules.ts';

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Milliseconds that the broker may take to answer. */
const PATIENCE = 10_000;
const TOPICS = ['version', 'uptime', 'clients/connected', 'clients/total', 'publish/messages/dropped'];

interface Server {
  readonly facts: ServerFacts;
  readonly engine: EngineName;
  /** Null where the schema is not migrated, or nothing came in. */
  readonly ingest: IngestFacts | null;
  readonly chunks: readonly ChunkInfo[];
  /** Null where it is on another machine, or cannot be seen. */
  readonly disk: Disk | null;
  readonly isHere: boolean;
}

/** Looks at the server, the broker and this machine, and changes nothing. Whatever cannot be reached is a finding. */
export async function examine(config: Config): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const unseen: Unseen[] = [];
  const server = await attempt('server', 'connection', findings, () => inspectServer(config, unseen));
  const host = await memory();
  if (server !== null) {
    findings.push(
      ...serverFindings({
        facts: server.facts,
        memory: server.isHere ? host.total : null,
        cores: server.isHere ? availableParallelism() : null,
        disk: server.disk?.total ?? null,
        peakPoints: server.ingest?.peakPoints ?? 0,
        engine: server.engine,
      }),
    );
  }
  await attempt('broker', 'connection', findings, async () => {
    findings.push(...(await inspectBroker(config, server?.ingest ?? null, unseen)));
  });
  const { path, max_bytes: maxBytes } = config.spool;
  const spool = path === null ? null : await diskOf(path);
  const isSynchronised = await isClockSynchronised();
  if (isSynchronised === null) {
    unseen.push({
      area: 'host',
      what: 'whether the clock is synchronised',
      why: 'timedatectl does not say',
    });
  }
  findings.push(
    ...hostFindings({
      memory: host,
      openFiles: await openFiles('self'),
      isClockSynchronised: isSynchronised,
      databaseClock: server?.facts.clockAhead ?? null,
      dataDisk: server?.disk ?? null,
      growth: server === null ? null : growthFrom(server, config),
      spool: spool === null ? null : { ...spool, maxBytes },
      queueBytes: config.ingest.queue.max_bytes,
    }),
  );
  return { findings, unseen };
}

/** Null where `work` fails with one of our errors, which becomes a finding. */
async function attempt<T>(
  area: Area,
  what: string,
  findings: Finding[],
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error;
    findings.push({
      area,
      what,
      is: error.message,
      should: 'answers',
      why: `Nothing else of it can be looked at (${error.code}).`,
      remedy: `tidegate check   # says what is wrong, and what to do`,
      level: 'problem',
    });
    return null;
  }
}

async function inspectServer(config: Config, unseen: Unseen[]): Promise<Server> {
  const { url, schema, engine: setting } = databaseOptions(config);
  const names = schemaNames(schema);
  const connection = { url, statementTimeout: 30_000, applicationName: 'tidegate doctor' };
  return await withConnection(connection, async (client) => {
    const facts = await readServer(client, names);
    const engine = await engineOf(client, names, setting);
    const isMigrated = (await pendingMigrations(client, names, engine)).length === 0;
    if (!isMigrated) {
      unseen.push({
        area: 'server',
        what: 'what comes in, and how the database grows',
        why: 'the schema is not migrated yet',
      });
    }
    const isHere = await isPostgres(facts.backendPid);
    const disk = isHere && facts.dataDirectory !== null ? await diskOf(facts.dataDirectory) : null;
    if (!isHere) {
      const why = 'PostgreSQL is on another machine, or in a container';
      unseen.push({ area: 'server', what: 'memory, cores and disk of its machine', why });
    } else if (disk === null) {
      const why = 'the role may not see data_directory (GRANT pg_read_all_settings)';
      unseen.push({ area: 'host', what: 'disk of the database', why });
    }
    return {
      facts,
      engine,
      ingest: isMigrated ? await readIngest(client, names) : null,
      chunks: isMigrated ? await createEngine(engineOptions(config), engine).chunks() : [],
      disk,
      isHere,
    };
  });
}

function growthFrom({ ingest, chunks, facts }: Server, { policies }: Config): Growth | null {
  if (ingest === null) return null;
  return growthOf({
    ingest,
    chunks,
    databaseBytes: facts.databaseBytes,
    compressAfter: policies.compression.enabled ? policies.compression.after : null,
    retention: policies.retention.raw,
    now: Date.now(),
  });
}

async function inspectBroker(
  config: Config,
  ingest: IngestFacts | null,
  unseen: Unseen[],
): Promise<Finding[]> {
  const options: SubscriberOptions = {
    ...brokerOptions(config),
    startupTimeoutMs: Math.min(config.startup_timeout || PATIENCE, PATIENCE),
    filters: createDecoder(config.routes, decodeLimits(config)).filters(),
    logger: SILENT,
    observer: { dropped: () => {}, resent: () => {} },
    onFatal: () => {},
  };
  const grant = await probeBroker(options);
  const topics = await brokerTopics(options, unseen);
  const running = await localBroker(grant, unseen);
  return brokerFindings({
    grant,
    shortfalls: shortfalls(grant, options),
    receiveMaximum: options.receiveMaximum,
    sessionExpiry: options.sessionExpirySeconds,
    messages: ingest === null ? 0 : ingest.messages / ingest.seconds,
    topics,
    conf: running?.conf ?? null,
    openFiles: running === null ? null : await openFiles(running.pid),
  });
}

async function brokerTopics(
  options: SubscriberOptions,
  unseen: Unseen[],
): Promise<ReadonlyMap<string, string>> {
  const what = 'what it says of itself ($SYS)';
  try {
    const topics = await readBrokerTopics(options, TOPICS);
    if (topics.size === 0) {
      unseen.push({ area: 'broker', what, why: 'it says nothing there, or not to this user' });
    }
    return topics;
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error;
    unseen.push({ area: 'broker', what, why: error.message });
    return new Map();
  }
}

async function localBroker(
  { url }: Grant,
  unseen: Unseen[],
): Promise<Awaited<ReturnType<typeof findMosquitto>>> {
  const { hostname, port, protocol } = new URL(url);
  const running = isThisMachine(hostname)
    ? await findMosquitto(Number(port) || (/^(mqtts|ssl|tls):/.test(protocol) ? 8883 : 1883))
    : null;
  if (running?.conf) return running;
  const why =
    running === null
      ? 'no mosquitto with that port is seen on this machine'
      : `${running.path ?? 'it was started without a file'}${running.path === null ? '' : ' cannot be read'}`;
  unseen.push({
    area: 'broker',
    what: 'mosquitto.conf: max_queued_messages, max_inflight_messages, persistence, set_tcp_nodelay',
    why,
  });
  return running;
}
