import type { Logger } from '../pipeline/types.ts';
import type { Connection } from './connection.ts';
import { refusals } from './grant.ts';
import type { TopicFilter } from './subscriptions.ts';
import { WantedFilters } from './wanted-filters.ts';

export interface ResubscriptionOptions {
  readonly filters: readonly TopicFilter[];
  /** Filters that an earlier life may have subscribed in their place. */
  readonly before?: readonly string[];
  /** Whether new subscriptions bring what the broker had retained. */
  readonly retained: 'skip' | 'store' | 'if_changed';
  readonly logger: Logger;
  /** Keeps for lives to come what the session may be subscribed to. Default: nobody does. */
  readonly remember?: (filters: readonly string[]) => Promise<void>;
  /** From now on messages may come twice, once by subscriptions of this identifier; null: no more. */
  readonly onOverlap: (identifier: number | null) => void;
}

/** Milliseconds for which copies of messages may come after old subscriptions went: what the broker had lined up. */
const OVERLAP_MS = 5_000;

/** The subscriptions of a session, and how they are changed without a message falling between the old and the new. */
export class Resubscription {
  readonly #options: ResubscriptionOptions;
  readonly #wanted: WantedFilters;
  /** What is remembered. */
  #remembered = '';
  #ending: NodeJS.Timeout | null = null;
  #overlaps = false;

  constructor(options: ResubscriptionOptions) {
    this.#options = options;
    this.#wanted = new WantedFilters(options.filters, options.before);
  }

  get filters(): readonly TopicFilter[] {
    return this.#wanted.all;
  }

  /** Whether the session has no subscription that is not wanted any more. */
  get aligned(): boolean {
    return this.#wanted.obsolete.length === 0;
  }

  /** What an earlier life may have subscribed, as it is remembered. */
  inherit(filters: readonly string[]): void {
    this.#remembered = JSON.stringify(filters);
    this.#wanted.inherit(filters);
  }

  /** To be called before the broker is asked for what is wanted. */
  async remember(): Promise<void> {
    const { remember, logger } = this.#options;
    const filters = this.#wanted.possible.toSorted();
    const now = JSON.stringify(filters);
    if (remember === undefined || now === this.#remembered) return;
    try {
      await remember(filters);
      this.#remembered = now;
    } catch (error) {
      // Messages matter more: a life to come may not know of a subscription that nobody wants, no worse.
      logger.debug({ err: error }, 'what is subscribed could not be written down');
    }
  }

  /** The broker has no session of ours. */
  lost(): void {
    this.#wanted.dropped(this.#wanted.obsolete);
  }

  /** Wants other filters, of which the next connection is told. */
  want(filters: readonly TopicFilter[]): void {
    this.#wanted.change(filters);
  }

  /**
   * Resolves to what the broker refused: then all is as before. Rejects where the connection ends meanwhile; the filters
   * are wanted nevertheless.
   */
  async change(connection: Connection, filters: readonly TopicFilter[]): Promise<string[]> {
    const before = this.#wanted.all;
    const refused = await this.#add(connection, this.#wanted.change(filters));
    if (refused.length > 0) await this.#add(connection, this.#wanted.change(before));
    await this.align(connection);
    return refused;
  }

  /** Unsubscribes what is not wanted any more. Rejects where the connection ends before. */
  async align(connection: Connection): Promise<void> {
    const { obsolete } = this.#wanted;
    if (obsolete.length > 0) {
      await connection.unsubscribe(obsolete);
      this.#wanted.dropped(obsolete);
      this.#options.logger.info({ filters: obsolete }, 'unsubscribed what no route wants any more');
    }
    await this.remember();
    if (!this.#overlaps) return;
    this.#ending = setTimeout(() => {
      this.#overlaps = false;
      this.#options.onOverlap(null);
    }, OVERLAP_MS).unref();
  }

  async #add(connection: Connection, filters: readonly TopicFilter[]): Promise<string[]> {
    if (filters.length === 0) return [];
    const { retained, onOverlap } = this.#options;
    const identifier = connection.identifiesSubscriptions ? this.#wanted.generation : null;
    if (this.#ending !== null) clearTimeout(this.#ending);
    await this.remember();
    this.#overlaps = true;
    onOverlap(identifier);
    return refusals(await connection.subscribe(filters, retained === 'skip' ? 'none' : 'if_new', identifier));
  }
}
