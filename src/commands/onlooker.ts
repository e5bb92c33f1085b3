/** Looks on at what devices publish, beside a running daemon. */

import { randomBytes } from 'node:crypto';
import { brokerOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { topicFilter, topicMistake } from '../config/topic.ts';
import { TidegateError } from '../errors.ts';
import { Subscriber } from '../mqtt/subscriber.ts';
import type { Delivery } from '../pipeline/types.ts';
import { createLogger } from '../telemetry/log.ts';
import type { Terminal } from './terminal.ts';

interface OnlookerOptions {
  /** Part of the client id: what it is for. */
  readonly purpose: 'tail' | 'explain' | 'init';
  /** The broker instead of mqtt.url. */
  readonly url?: string | undefined;
  readonly filters: readonly string[];
  /** What to do with retained messages that come with the subscription; default: as ingest.retained says. */
  readonly retained?: Config['ingest']['retained'];
  /** Milliseconds in which a broker must let us in; then, or where it ends before, it rejects. Default: it goes on trying. */
  readonly patience?: number;
  /** Milliseconds after which it ends, from the subscription on; default: never. */
  readonly lasting?: number;
}

/**
 * Until it is stopped, or `onMessage` returns false. In a clean MQTT 3.1.1 session of its own, at QoS 0 and outside of any
 * share group: nobody loses a message by it. Rejects with a TidegateError where the broker would not do.
 */
export async function lookOn(
  terminal: Terminal,
  config: Config,
  { purpose, url, filters, retained, patience, lasting }: OnlookerOptions,
  onMessage: (delivery: Delivery) => boolean,
): Promise<void> {
  const { promise: over, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const broker = brokerOptions(config);
  const subscriber = new Subscriber({
    ...broker,
    urls: url === undefined ? broker.urls : [url],
    clientId: `${broker.clientId}-${purpose}-${randomBytes(4).toString('hex')}`,
    // Every broker speaks it, and looking on needs nothing of MQTT 5.
    protocolVersion: 4,
    keepSession: false,
    shareGroup: null,
    retained: retained ?? broker.retained,
    silenceTimeoutMs: null,
    startupTimeoutMs: patience ?? broker.startupTimeoutMs,
    filters: filters.map((filter) => ({ filter, qos: 0 })),
    logger: createLogger({
      level: 'warn',
      format: 'pretty',
      stream: terminal.stderr,
      isTerminal: terminal.isTerminal,
      journal: false,
    }),
    observer: { dropped: () => {}, resent: () => {} },
    onFatal: fail,
  });
  const { stopped } = terminal;
  if (stopped.aborted) end();
  stopped.addEventListener('abort', () => end(), { once: true });
  terminal.stdout.once('close', end);
  let wanted = true;
  let reached = false;
  // A subscriber that is closed while starting rejects, and so does one that cannot start.
  const starting = subscriber.start((delivery) => {
    reached = true;
    wanted &&= onMessage(delivery);
    if (!wanted) end();
  });
  let timer: NodeJS.Timeout | undefined;
  const listening = async (): Promise<void> => {
    await starting;
    if (lasting !== undefined) timer = setTimeout(end, lasting);
  };
  listening().catch(fail);
  try {
    await over;
  } finally {
    clearTimeout(timer);
    terminal.stdout.off('close', end);
    reached ||= subscriber.state().connected;
    await subscriber.close();
  }
  if (patience !== undefined && !reached) await starting;
}

/** Throws `usage` for what is no MQTT filter; filters have no names for their levels. */
export function checkFilter(filter: string): void {
  const mistake =
    filter === ''
      ? 'is empty'
      : topicFilter(filter) === filter
        ? topicMistake(filter)
        : 'has a named level: write + or #';
  if (mistake !== null) throw new TidegateError('usage', `the filter ${JSON.stringify(filter)} ${mistake}`);
}
