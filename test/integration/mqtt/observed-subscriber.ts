import type { TidegateError } from '../../../src/errors.ts';
import { Subscriber } from '../../../src/mqtt/subscriber.ts';
import type { SubscriberOptions } from '../../../src/mqtt/subscriber-options.ts';
import type { Delivery, Logger } from '../../../src/pipeline/types.ts';

/** A subscriber under test, with everything that came out of it. */
export interface ObservedSubscriber extends AsyncDisposable {
  readonly subscriber: Subscriber;
  start(): Promise<void>;
  readonly deliveries: Delivery[];
  readonly logs: string[];
  readonly counts: { dropped: number; resent: number; redelivered: number };
  /** Resolves as soon as the condition holds; looked at after every delivery, log line and fatal error. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves once so many deliveries came. */
  received(count: number): Promise<void>;
  /** Resolves once a log line matches for the n-th time. */
  logged(pattern: RegExp, times?: number): Promise<void>;
  /** Resolves to the error given to `onFatal`. */
  fatal(): Promise<TidegateError>;
  texts(): string[];
}

export interface ObservedOptions extends Partial<SubscriberOptions> {
  readonly onDelivery?: (delivery: Delivery) => void;
}

export function observe(
  url: string,
  { onDelivery = () => {}, ...options }: ObservedOptions = {},
): ObservedSubscriber {
  const deliveries: Delivery[] = [];
  const logs: string[] = [];
  const counts = { dropped: 0, resent: 0, redelivered: 0 };
  let fatal: TidegateError | null = null;
  let waiting: (() => void)[] = [];
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const log = (_: object, message: string): void => {
    logs.push(message);
    changed();
  };
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        waiting = waiting.filter((other) => other !== look);
        resolve();
      };
      waiting.push(look);
      look();
    });
  const subscriber = new Subscriber({
    urls: [url],
    clientId: 'tidegate-test',
    username: null,
    password: null,
    protocolVersion: 5,
    shareGroup: null,
    keepaliveSeconds: 60,
    sessionExpirySeconds: 3_600,
    receiveMaximum: 5_000,
    maximumPacketBytes: 1_000_000,
    retained: 'store',
    silenceTimeoutMs: null,
    startupTimeoutMs: 0,
    tls: {},
    filters: [{ filter: 'test/#', qos: 1 }],
    backoff: { minimumMs: 10, maximumMs: 50 },
    logger,
    observer: {
      dropped: (reason, count) => {
        counts[reason === 'redelivered' ? reason : 'dropped'] += count;
        changed();
      },
      resent: () => {
        counts.resent++;
        changed();
      },
    },
    onFatal: (error) => {
      fatal = error;
      changed();
    },
    ...options,
  });
  return {
    subscriber,
    start: () =>
      subscriber.start((delivery) => {
        deliveries.push(delivery);
        onDelivery(delivery);
        changed();
      }),
    deliveries,
    logs,
    counts,
    until,
    received: (count) => until(() => deliveries.length >= count),
    logged: (pattern, times = 1) => until(() => logs.filter((line) => pattern.test(line)).length >= times),
    fatal: async () => {
      await until(() => fatal !== null);
      if (fatal === null) throw new Error('not fatal');
      return fatal;
    },
    texts: () => deliveries.map(({ payload }) => Buffer.from(payload).toString()),
    [Symbol.asyncDispose]: () => subscriber.close(),
  };
}

/** Observed and started. */
export async function startObserved(url: string, options: ObservedOptions = {}): Promise<ObservedSubscriber> {
  const observed = observe(url, options);
  await observed.start();
  return observed;
}
