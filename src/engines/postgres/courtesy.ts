import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { JobContext } from '../../scheduler/types.ts';

/** Milliseconds of rest for each one of work: writers keep more than 0.8 of their rate on two cores. */
const REST = 3;
/** Shorter rests than this (milliseconds) are saved up. */
const SHORTEST = 5;

/** Sessions of other roles count only where their state may be seen; within a transaction it is as of the first look. */
const BUSY = `
SELECT EXISTS (
  SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
) AS busy`;

/**
 * How work that others wait little for goes on in the company of those who write or read: as long as the server does
 * something for anybody else, it rests after each step. Alone, by hand, and from `until` on it does not: what is late must
 * get done.
 */
export class Courtesy {
  readonly #client: Client;
  readonly #context: JobContext;
  readonly #until: number;
  /** When the work began that it has not rested for, by performance.now(). */
  #begin: number;

  /** `until`: by performance.now(). */
  constructor(client: Client, context: JobContext, until: number) {
    this.#client = client;
    this.#context = context;
    this.#until = until;
    this.#begin = performance.now();
  }

  /** After a step, within a transaction or not: it rests for all work since it last did, or since it was made. */
  async rest(): Promise<void> {
    const { byHand, signal } = this.#context;
    const now = performance.now();
    const rest = Math.min((now - this.#begin) * REST, this.#until - now);
    if (byHand === true || rest < SHORTEST) return;
    await this.#client.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await this.#client.query<{ busy: boolean }>(BUSY);
    if (rows[0]?.busy === true) await delay(rest, undefined, { signal });
    this.#begin = performance.now();
  }
}
