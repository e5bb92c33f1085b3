import { setTimeout as delay } from 'node:timers/promises';
import type { Logger, SessionStore } from '../pipeline/types.ts';
import { type Backoff, backoffDelay } from './backoff.ts';
import { Ledger } from './ledger.ts';
import type { Received } from './received.ts';

/** Between attempts to begin an epoch. */
const BACKOFF: Backoff = { minimumMs: 250, maximumMs: 5_000 };
/** Milliseconds that a subscription waits for its epoch: longer, and messages of that time are lost to it. */
const PATIENCE = 2_000;

/**
 * The lives of the session at the broker. An epoch is durable before a message of it is handled: else the next life of
 * the daemon would look up its messages among those of the epoch before.
 */
export class Epochs {
  readonly ledger: Ledger<Received> = new Ledger();
  readonly #store: SessionStore;
  readonly #logger: Logger;
  readonly #onBegun: () => void;
  readonly #stopped = new AbortController();
  #hadSession = false;
  #filters: readonly string[] = [];
  /** Whether an epoch began in this life of the daemon. */
  #begun = false;
  #beginning: Promise<void> | null = null;

  /** `onBegun` is told of every epoch from when on messages can be handled in it. */
  constructor(store: SessionStore, logger: Logger, onBegun: () => void) {
    this.#store = store;
    this.#logger = logger;
    this.#onBegun = onBegun;
  }

  /** Whether an earlier life of the daemon had a session at the broker. */
  get hadSession(): boolean {
    return this.#hadSession;
  }

  /** What its session may be subscribed to. */
  get filters(): readonly string[] {
    return this.#filters;
  }

  /** Takes up what earlier lives of the daemon left. Rejects with the store's errors. */
  async load(): Promise<void> {
    const { epoch, entries, filters } = await this.#store.load();
    this.#filters = filters;
    this.ledger.begin(epoch, entries);
    this.#hadSession = epoch > 0;
    // Before the first epoch there may be a session, of a daemon without a ledger.
    if (epoch === 0) this.renew();
  }

  /** The broker has no session of ours, or a new one. */
  renew(): void {
    if (this.#beginning !== null || (this.#begun && this.ledger.fresh)) return;
    this.ledger.suspend();
    this.#beginning = this.#begin(this.ledger.epoch + 1);
  }

  /** Resolves once there is an epoch, or after two seconds to false. */
  async ready(): Promise<boolean> {
    if (this.#beginning === null) return true;
    const over = new AbortController();
    const late = delay(PATIENCE, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([this.#beginning, late]);
    over.abort();
    return this.#beginning === null;
  }

  /** The broker has the acknowledgements of all messages below this ordinal. */
  proven(below: number): void {
    if (this.ledger.suspended) return;
    this.ledger.prove(below);
    this.#store.forget(this.ledger.epoch, this.ledger.floor);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #begin(epoch: number): Promise<void> {
    const { signal } = this.#stopped;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#store.begin(epoch);
        this.#begun = true;
        this.#beginning = null;
        this.ledger.begin(epoch);
        this.#onBegun();
        return;
      } catch (error) {
        const fields = { err: error, epoch, attempt };
        if (attempt === 0) this.#logger.warn(fields, 'a new session could not be recorded; trying again');
        else this.#logger.debug(fields, 'a new session could not be recorded');
        await delay(backoffDelay(attempt, BACKOFF), undefined, { signal }).catch(() => {});
      }
    }
  }
}
