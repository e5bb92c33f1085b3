import type { Grant } from '../mqtt/grant.ts';
import { count, duration } from './amounts.ts';
import type { Finding } from './finding.ts';
import type { MosquittoConf } from './mosquitto-conf.ts';

export interface BrokerInput {
  readonly grant: Grant;
  /** What it granted less of than asked, in sentences. */
  readonly shortfalls: readonly string[];
  /** mqtt.receive_maximum, and mqtt.session_expiry in seconds. */
  readonly receiveMaximum: number;
  readonly sessionExpiry: number;
  /** Messages a second over the last day; 0 where nothing is known. */
  readonly messages: number;
  /** What it says of itself below $SYS/broker. */
  readonly topics: ReadonlyMap<string, string>;
  /** Null where it cannot be seen. */
  readonly conf: MosquittoConf | null;
  /** Files that its process may have open; null where that cannot be seen. */
  readonly openFiles: number | null;
}

/** mosquitto's defaults (mosquitto.conf(5), 2.0). */
const DEFAULTS = { max_queued_messages: '1000', max_inflight_messages: '20', autosave_interval: '1800' };
const DAY = 86_400;
const QUEUE_LEAST = 100_000;
const QUEUE_MOST = 1_000_000;
/** Unacknowledged messages below which the round trips of commits bound the rate. */
const WINDOW = 1_000;
const AUTOSAVE = 300;

export function brokerFindings(input: BrokerInput): Finding[] {
  return [...granted(input), ...told(input), ...configured(input)];
}

function granted({ grant, shortfalls, sessionExpiry, receiveMaximum }: BrokerInput): Finding[] {
  const old = grant.protocolVersion === 4;
  const kept = grant.sessionExpirySeconds;
  return [
    {
      area: 'broker',
      what: 'what it grants',
      is:
        shortfalls.length > 0
          ? shortfalls.join('; ')
          : `QoS up to ${grant.maximumQos}, ${kept === null ? 'a session without a limit of time' : `the session for ${duration(kept)}`}`,
      should: `QoS 1, the session for ${duration(sessionExpiry)}`,
      why: 'What is published while Tidegate is away waits in its session at the broker.',
      remedy:
        shortfalls.length > 0
          ? 'mqtt.session_expiry_interval = "7d"   # emqx.conf; other brokers: the longest session expiry, and QoS 1 for our filters'
          : null,
      level: shortfalls.length > 0 ? 'warning' : 'ok',
    },
    {
      area: 'broker',
      what: 'protocol',
      is: old ? 'MQTT 3.1.1' : `MQTT 5, ${count(receiveMaximum)} messages unacknowledged`,
      should: 'MQTT 5',
      why: old
        ? "A client of MQTT 3.1.1 cannot say how many messages it takes unacknowledged: the broker's own limit holds."
        : "mqtt.receive_maximum takes the place of mosquitto's max_inflight_messages.",
      remedy: old ? 'mqtt: {protocol_version: "5"}   # where the broker speaks it' : null,
      level: old ? 'advice' : 'ok',
    },
  ];
}

/** From $SYS. */
function told({ topics, openFiles }: BrokerInput): Finding[] {
  const findings: Finding[] = [];
  const dropped = topics.get('publish/messages/dropped');
  if (dropped !== undefined) {
    const some = Number(dropped) > 0;
    const uptime = Number.parseInt(topics.get('uptime') ?? '', 10);
    findings.push({
      area: 'broker',
      what: 'messages dropped',
      is: `${count(Number(dropped))}${Number.isNaN(uptime) ? '' : ` in ${duration(uptime)}`}`,
      should: '0',
      why: 'Of all its clients: what their queues did not hold is gone, without a word to the publisher.',
      remedy: some ? `max_queued_messages ${QUEUE_MOST}` : null,
      level: some ? 'warning' : 'ok',
    });
  }
  const clients = Number(topics.get('clients/connected') ?? topics.get('clients/total'));
  if (openFiles !== null && !Number.isNaN(clients)) {
    const wanted = Math.max(1_024, 2 * clients + 256);
    const few = openFiles < wanted;
    findings.push({
      area: 'broker',
      what: 'open files',
      is: `${Number.isFinite(openFiles) ? count(openFiles) : 'unlimited'}, ${count(clients)} clients connected`,
      should: `${count(wanted)} or more`,
      why: 'Every device that is connected is one; the broker turns away those beyond the limit.',
      remedy: few ? 'systemctl edit mosquitto   # [Service] LimitNOFILE=65536' : null,
      level: few ? 'warning' : 'ok',
    });
  }
  return findings;
}

/** From mosquitto.conf. */
function configured(input: BrokerInput): Finding[] {
  const { conf, grant, sessionExpiry } = input;
  if (conf === null) return [];
  const value = (name: string): string | undefined => conf.values.get(name);
  const queue = Number(value('max_queued_messages') ?? DEFAULTS.max_queued_messages);
  const queueWanted = queueSize(input);
  const isQueueShort = queue !== 0 && queue < queueWanted;
  const window = Number(value('max_inflight_messages') ?? DEFAULTS.max_inflight_messages);
  const isWindowNarrow = grant.protocolVersion === 4 && window !== 0 && window < WINDOW;
  const persists = value('persistence') === 'true';
  const autosave = Number(value('autosave_interval') ?? DEFAULTS.autosave_interval);
  const isSavedSeldom = persists && (autosave === 0 || autosave > AUTOSAVE);
  const noDelay = value('set_tcp_nodelay') === 'true';
  const line = (
    what: string,
    is: string,
    rest: Pick<Finding, 'should' | 'why' | 'level'>,
    wanted: string,
  ): Finding => ({
    area: 'broker',
    what,
    is: value(what) === undefined ? `${is} (default)` : is,
    ...rest,
    remedy: rest.level === 'ok' ? null : `${what} ${wanted}`,
  });
  return [
    line(
      'max_queued_messages',
      queue === 0 ? '0 (no limit)' : String(queue),
      {
        should: `${count(queueWanted)} or more`,
        why: `What is published while Tidegate is away waits here; beyond it QoS 1 messages are dropped in silence${input.messages > 0 && queue > 0 ? `. Of late that is ${duration(queue / input.messages)} of absence` : ''}.`,
        level: isQueueShort ? 'warning' : 'ok',
      },
      String(queueWanted),
    ),
    line(
      'max_inflight_messages',
      String(window),
      {
        should: grant.protocolVersion === 4 ? `${count(WINDOW)} or more` : 'any',
        why:
          grant.protocolVersion === 4
            ? 'No more are on their way unacknowledged: so many in the time of a commit is all that can be stored.'
            : 'At MQTT 5 mqtt.receive_maximum takes its place for Tidegate.',
        level: isWindowNarrow ? 'warning' : 'ok',
      },
      String(WINDOW),
    ),
    line(
      'persistence',
      persists ? 'true' : 'false',
      {
        should: 'true',
        why: 'Without it a restart of the broker forgets sessions and all that waits in them.',
        level: persists ? 'ok' : 'warning',
      },
      'true',
    ),
    line(
      'autosave_interval',
      String(autosave),
      {
        should: persists ? `${AUTOSAVE} or less` : 'any: without persistence nothing is saved',
        why: 'Seconds; a broker that is killed comes back with what was saved last.',
        level: isSavedSeldom ? 'advice' : 'ok',
      },
      String(AUTOSAVE),
    ),
    line(
      'set_tcp_nodelay',
      noDelay ? 'true' : 'false',
      {
        should: 'true',
        why: 'Without it the last small packet of a burst waits for an acknowledgement of the network.',
        level: noDelay ? 'ok' : 'advice',
      },
      'true',
    ),
    ...expiration(value('persistent_client_expiration'), sessionExpiry),
  ];
}

/** Set, it bounds the sessions of MQTT 3.1.1 and, shorter than theirs, those of MQTT 5. */
function expiration(value: string | undefined, sessionExpiry: number): Finding[] {
  const [, number, unit = ''] = /^(\d+)([hdwmy])$/.exec(value ?? '') ?? [];
  if (value === undefined || number === undefined) return [];
  const seconds = Number(number) * ({ h: 3_600, d: DAY, w: 7 * DAY, m: 30 * DAY, y: 365 * DAY }[unit] ?? DAY);
  const isShort = seconds < sessionExpiry;
  return [
    {
      area: 'broker',
      what: 'persistent_client_expiration',
      is: value,
      should: `${duration(sessionExpiry)} (mqtt.session_expiry) or more`,
      why: 'The session of a client that is away for longer is deleted, with what waits in it.',
      remedy: isShort ? `persistent_client_expiration ${Math.ceil(sessionExpiry / DAY)}d` : null,
      level: isShort ? 'warning' : 'ok',
    },
  ];
}

/** A day of messages, in steps of 1, 2 and 5. */
function queueSize({ messages }: BrokerInput): number {
  const day = Math.min(QUEUE_MOST, Math.max(QUEUE_LEAST, messages * DAY));
  const power = 10 ** Math.floor(Math.log10(day));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= day) ?? QUEUE_MOST;
}
