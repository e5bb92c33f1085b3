import { brokerOptions, decodeLimits } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { createDecoder } from '../decode/decoder.ts';
import { TidegateError } from '../errors.ts';
import { readBrokerTopics } from '../mqtt/broker-topics.ts';
import { type Grant, shortfalls } from '../mqtt/grant.ts';
import { probeBroker } from '../mqtt/probe.ts';
import type { SubscriberOptions } from '../mqtt/subscriber-options.ts';
import type { Logger } from '../pipeline/types.ts';
import type { IngestFacts } from '../postgres/server-facts.ts';
import { brokerFindings } from './broker-rules.ts';
import type { Finding, Unseen } from './finding.ts';
import { findMosquitto, isThisMachine, openFiles } from './host-inspection.ts';

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Milliseconds that the broker may take to answer. */
const PATIENCE = 10_000;
/** Where the URL names none, and it is not 1883. */
const PORTS: Readonly<Record<string, number>> = {
  'mqtts:': 8883,
  'ssl:': 8883,
  'tls:': 8883,
  'ws:': 80,
  'wss:': 443,
};
const TOPICS = ['version', 'uptime', 'clients/connected', 'clients/total', 'publish/messages/dropped'];

/** Visits the broker, twice. Rejects as `probeBroker` does. */
export async function inspectBroker(
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
    ? await findMosquitto(Number(port) || (PORTS[protocol] ?? 1883))
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
