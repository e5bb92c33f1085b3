import type { IConnackPacket } from 'mqtt';
import { type FailureCode, TidegateError } from '../errors.ts';
import type { Delivery, Source } from '../pipeline/types.ts';
import { receiptClock } from '../receipt-clock.ts';
import { Attempts } from './attempts.ts';
import { Connection } from './connection.ts';
import { type ConnectionEnd, connectionFailure } from './connection-errors.ts';
import { Endpoints } from './endpoints.ts';
import { Epochs } from './epochs.ts';
import { EVICTIONS, Evictions } from './evictions.ts';
import { connackGrant, type Grant, refusals, type SubscriptionGrant, shortfalls } from './grant.ts';
import { Intake } from './intake.ts';
import { LOST_SESSION, Presence } from './presence.ts';
import { Resubscription } from './resubscription.ts';
import { SilenceWatch } from './silence-watch.ts';
import { Startup } from './startup.ts';
import type { SubscriberOptions, SubscriberState } from './subscriber-options.ts';
import { shared, type TopicFilter, withoutCovered } from './subscriptions.ts';
import type { LeaveReason } from './voice.ts';
import { type Testimony, Witness } from './witness.ts';

/**
 * The MQTT source: keeps one connection to one of several brokers, subscribed, and comes back for ever once it was
 * connected. Deliveries may come before `start` resolves: a resumed session brings what waited at once. What an earlier life
 * subscribed, which nothing in MQTT lists, is known by the session store; without one, messages of its filters go on coming, and
 * end as dead letters (`no_route`).
 */
export class Subscriber implements Source {
  readonly #options: SubscriberOptions;
  readonly #now: () => number;
  readonly #receivedAt: () => number;
  readonly #subscriptions: Resubscription;
  readonly #endpoints: Endpoints;
  readonly #epochs: Epochs | null;
  #intake: Intake | null = null;
  #connection: Connection | null = null;
  readonly #startup = new Startup();
  readonly #attempts: Attempts;
  #silence: SilenceWatch | null = null;
  readonly #evictions: Evictions;
  /** Left on purpose: no attempts until `reconnect`. */
  #away = false;
  /** Stopping or failed: no attempts ever again. */
  #finished = false;
  /** At the first connect in any case: the routes may have changed since the session was made. */
  #mustSubscribe = true;
  readonly #presence: Presence;
  #emptied: PromiseWithResolvers<void> | null = null;
  #grant: Grant | null = null;

  constructor(options: SubscriberOptions) {
    const { sessions } = options;
    this.#options = options;
    this.#now = options.now ?? (() => Date.now() * 1_000);
    this.#receivedAt = options.now ?? receiptClock();
    this.#presence = new Presence(this.#now);
    this.#subscriptions = new Resubscription({
      ...options,
      filters: this.#asSubscribed(options.filters),
      // Of a life before it was in the group: each message would come twice, by its own subscription and the group's.
      before: options.shareGroup === null ? [] : options.filters.map(({ filter }) => filter),
      ...(sessions && { remember: (filters: readonly string[]) => sessions.subscribed(filters) }),
      onOverlap: (identifier) => this.#intake?.overlap(identifier),
    });
    this.#endpoints = new Endpoints(options.urls);
    this.#evictions = new Evictions(() => new Witness(options, this.#endpoints.current));
    const { logger, backoff } = options;
    const prepare = (): Promise<void> => this.#evictions.prepare();
    this.#attempts = new Attempts({ backoff, logger, prepare, connect: () => this.#connect() });
    this.#epochs = sessions ? new Epochs(sessions, logger, () => this.#onEpoch()) : null;
  }

  /**
   * Resolves once subscribed. Rejects with TidegateError: broker_refused, broker_tls, session_taken, subscription_refused,
   * where none let us in within the startup timeout broker_unreachable; or with the session store's error.
   */
  async start(onDelivery: (delivery: Delivery) => void): Promise<void> {
    const ledger = this.#epochs?.ledger ?? null;
    this.#intake = new Intake({ ...this.#options, ledger, now: this.#receivedAt }, onDelivery);
    await this.#epochs?.load();
    this.#subscriptions.inherit(this.#epochs?.filters ?? []);
    const { startupTimeoutMs: limit } = this.#options;
    const started = this.#startup.begin(limit, () => {
      // It is there: what waited in the session may keep us from hearing of the subscription for long.
      if (this.#presence.shown.connected) return;
      const detail = `no connection within ${limit / 1_000} s (${this.#endpoints.describe()})`;
      this.#finish(new TidegateError('broker_unreachable', detail));
    });
    if (!this.#finished) this.#connect();
    else void this.close();
    await started;
  }

  /**
   * Wants other messages from now on, without missing one that both the old and the new filters take. Without a connection
   * the next one sees to it. Rejects with `subscription_refused`, and wants what it wanted before.
   */
  async resubscribe(filters: readonly TopicFilter[]): Promise<void> {
    const wanted = this.#asSubscribed(filters);
    const connection = this.#presence.shown.subscribed ? this.#connection : null;
    this.#mustSubscribe ||= connection === null;
    if (connection === null) this.#subscriptions.want(wanted);
    else {
      const refused = await this.#subscriptions.change(connection, wanted).catch(() => null);
      // It ended meanwhile.
      this.#mustSubscribe ||= refused === null;
      if (refused !== null && refused.length > 0)
        throw new TidegateError('subscription_refused', `${this.#url}: ${refused.join('; ')}`);
    }
  }

  /** Whether no messages can come any more but of the filters that are wanted. */
  get aligned(): boolean {
    return this.#subscriptions.aligned;
  }

  /** Resolves once the broker has nothing for us but what arrived meanwhile; not before there is a connection. */
  async emptied(): Promise<void> {
    this.#emptied = Promise.withResolvers();
    this.#connection?.catchUp();
    await this.#emptied.promise;
  }

  pause(): void {
    this.#intake?.pause();
  }

  resume(): void {
    this.#intake?.resume();
  }

  disconnect(reason: string): void {
    if (this.#away || this.#finished) return;
    this.#away = true;
    this.#attempts.cancel();
    this.#options.logger.warn({ url: this.#url, reason }, `left the broker: ${reason}`);
    void this.#leave('full');
  }

  reconnect(): void {
    if (!this.#away || this.#finished) return;
    this.#away = false;
    this.#attempts.plan('coming back to the broker', this.#url);
  }

  stopReceiving(): Promise<void> {
    this.#finished = true;
    this.#attempts.cancel();
    void this.#evictions.dismiss();
    this.#silence?.stop();
    this.#epochs?.stop();
    this.#intake?.stop();
    return Promise.resolve();
  }

  /** Sends what is acknowledged and leaves; the broker keeps the session. Within about five seconds. */
  async close(): Promise<void> {
    await this.stopReceiving();
    const detail = `stopped before a connection (${this.#endpoints.describe()})`;
    this.#startup.settle(new TidegateError('broker_unreachable', detail));
    await this.#leave('stopped');
  }

  state(): SubscriberState {
    return {
      ...this.#presence.shown,
      url: this.#url,
      lastMessageAt: this.#intake?.lastMessageAt ?? null,
    };
  }

  /** The life of the session at the broker that messages are counted in; null without a ledger. */
  get epoch(): number | null {
    return this.#epochs?.ledger.epoch ?? null;
  }

  /** What the broker granted at the latest connection; null before the first. */
  granted(): Grant | null {
    return this.#grant;
  }

  get #url(): string {
    return this.#endpoints.shown;
  }

  /** Whether the broker must have one of ours: from this life of the daemon, or from one that the ledger tells of. */
  get #hadSession(): boolean {
    const isKept = this.#options.sessionExpirySeconds > 0;
    return isKept && (this.#grant !== null || this.#epochs?.hadSession === true);
  }

  #connect(): void {
    try {
      const connection = new Connection(
        { ...this.#options, will: this.#options.voice?.will ?? null },
        this.#endpoints.current,
        {
          opened: (sessionPresent) => {
            if (!sessionPresent) this.#epochs?.renew();
            this.#intake?.opened(sessionPresent);
          },
          accepted: (connack) => void this.#onAccepted(connection, connack),
          published: (packet, acknowledger, done) => this.#intake?.take(packet, acknowledger, done),
          proven: (below) => this.#epochs?.proven(below),
          caughtUp: () => {
            this.#intake?.caughtUp();
            // What was declined comes again by the next connection, and so does this.
            if (this.#intake?.declined === 0) this.#emptied?.resolve();
          },
          ended: (end) => this.#onEnded(connection, end),
        },
      );
      this.#connection = connection;
      connection.open();
    } catch (error) {
      if (!(error instanceof TidegateError)) throw error;
      this.#finish(error);
    }
  }

  /** What was declined before the epoch began stays unacknowledged on this connection, and comes again on the next. */
  #onEpoch(): void {
    if (this.#connection === null || this.#intake?.declined === 0) return;
    void this.#leave('reconnecting');
    this.#attempts.plan('the session is recorded: what waited for it is fetched', this.#url);
  }

  async #onAccepted(connection: Connection, connack: IConnackPacket): Promise<void> {
    if (connection !== this.#connection) return;
    const { logger, retained } = this.#options;
    const url = this.#url;
    this.#presence.accepted();
    if (!connack.sessionPresent) {
      if (this.#hadSession) {
        this.#presence.lostSession();
        logger.warn({ url }, LOST_SESSION);
      }
      this.#mustSubscribe = true;
      this.#subscriptions.lost();
    }
    // Later it would miss what is published meanwhile; without an epoch QoS 1 messages stay with the broker.
    await this.#epochs?.ready();
    if (connection !== this.#connection) return;
    let subscriptions: SubscriptionGrant[] = [];
    if (this.#mustSubscribe) {
      try {
        // Where the session was ours a moment ago, retained messages would come a second time.
        const repeated = connack.sessionPresent && this.#grant !== null;
        const wanted = retained === 'skip' ? 'none' : repeated ? 'if_new' : 'all';
        // Others may be wanted by the time of the answer.
        for (let asked: unknown = null; asked !== this.#subscriptions.filters; ) {
          const { filters } = this.#subscriptions;
          asked = filters;
          await this.#subscriptions.remember();
          subscriptions = await connection.subscribe(filters, wanted);
        }
      } catch (error) {
        connection.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (connection !== this.#connection) return;
      const refused = refusals(subscriptions);
      if (refused.length > 0) {
        this.#fail('subscription_refused', refused.join('; '));
        return;
      }
    }
    const grant = { ...connackGrant(connack, this.#options, url), subscriptions };
    this.#grant = grant;
    this.#mustSubscribe = false;
    this.#presence.subscribed();
    logger.info(grant, `subscribed at ${url}`);
    for (const shortfall of shortfalls(grant, this.#options)) logger.warn({ url }, shortfall);
    this.#watchSilence(connection);
    this.#startup.settle();
    this.#options.voice?.attach(connection, grant.sessionPresent, grant.receiveMaximum);
    // Where it fails the connection ended, and the next one does it.
    this.#subscriptions.align(connection).catch(() => {});
  }

  #asSubscribed(filters: readonly TopicFilter[]): readonly TopicFilter[] {
    return shared(withoutCovered(filters), this.#options.shareGroup);
  }

  #onEnded(connection: Connection, end: ConnectionEnd): void {
    if (connection !== this.#connection) return;
    const { protocolVersion, clientId, voice } = this.#options;
    const { code, detail, unexplained } = connectionFailure(end, protocolVersion);
    const testimony = this.#evictions.ended(unexplained && !this.#presence.sound);
    this.#detach();
    if (this.#finished) return;
    if (voice?.retriesWithoutWill(end) === true) {
      this.#connect();
      return;
    }
    if (code === 'session_taken' || (code !== null && this.#startup.pending)) {
      this.#fail(code, detail);
      return;
    }
    if (testimony === null) this.#retry(detail);
    else void this.#judge(`${detail}, ${EVICTIONS} times soon after accepting ${clientId}`, testimony);
  }

  /** What the witness says of the connections that were cut tells a second client from a bad network. */
  async #judge(detail: string, testimony: Promise<Testimony>): Promise<void> {
    const network = (await testimony) === 'fell';
    if (this.#away || this.#finished) return;
    if (network) this.#retry(`${detail}, and others with it: the network fails`);
    else this.#fail('session_taken', detail);
  }

  #retry(detail: string): void {
    this.#attempts.plan(this.#endpoints.failed(detail), this.#url);
  }

  /** A broker may have lost our subscriptions, or a bridge behind it have died, while pings are still answered. */
  #watchSilence(connection: Connection): void {
    const limit = this.#options.silenceTimeoutMs;
    if (limit === null) return;
    // While we hold back, silence is our own doing.
    const quiet = (): number | null =>
      connection.acknowledger.pending > 0 ? null : (this.#intake?.quietMs(this.#presence.turnedAt) ?? null);
    this.#silence = new SilenceWatch(limit, quiet, (quietMs) => {
      this.#mustSubscribe = true;
      void this.#leave('reconnecting');
      this.#attempts.plan(`${this.#url}: no message for ${Math.round(quietMs / 1_000)} s`, this.#url);
    });
    this.#silence.start();
  }

  #fail(code: FailureCode, detail: string): void {
    this.#finish(new TidegateError(code, `${this.#url}: ${detail}`));
  }

  #finish(error: TidegateError): void {
    this.#finished = true;
    this.#attempts.cancel();
    void this.#leave('stopped');
    if (this.#startup.pending) this.#startup.settle(error);
    else this.#options.onFatal(error);
  }

  async #leave(reason: LeaveReason): Promise<void> {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    const left = connection.leave(this.#options.voice?.farewell(reason));
    this.#detach();
    await left;
  }

  /** The connection is not ours any more, whether it is gone already or not. */
  #detach(): void {
    this.#connection = null;
    this.#silence?.stop();
    this.#options.voice?.detach();
    if (this.#presence.sound) this.#attempts.sound();
    this.#presence.ended();
    this.#intake?.release();
  }
}
