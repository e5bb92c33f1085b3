import type { TopicFilter } from './subscriptions.ts';

/** The filters that messages are wanted of, and those that the session may still have of before. */
export class WantedFilters {
  #filters: readonly TopicFilter[];
  readonly #obsolete = new Set<string>();
  #generation = 0;

  /** `before`: what an earlier life may have subscribed in the same session, though nobody knows. */
  constructor(filters: readonly TopicFilter[], before: readonly string[] = []) {
    this.#filters = filters;
    for (const filter of before) this.#obsolete.add(filter);
  }

  get all(): readonly TopicFilter[] {
    return this.#filters;
  }

  /** What an earlier life is known to have subscribed. */
  inherit(filters: readonly string[]): void {
    const wanted = new Set(this.#filters.map(({ filter }) => filter));
    for (const filter of filters) if (!wanted.has(filter)) this.#obsolete.add(filter);
  }

  /** All that the session may be subscribed to once what is wanted is granted. */
  get possible(): readonly string[] {
    return [...new Set([...this.#filters.map(({ filter }) => filter), ...this.#obsolete])];
  }

  /** To be unsubscribed once the others are there. */
  get obsolete(): readonly string[] {
    return [...this.#obsolete];
  }

  /** Counts the changes: an identifier of the subscriptions that a change makes. */
  get generation(): number {
    return this.#generation;
  }

  /** Returns those that are new, or are wanted with another QoS. */
  change(filters: readonly TopicFilter[]): readonly TopicFilter[] {
    const before = new Map(this.#filters.map(({ filter, qos }) => [filter, qos]));
    this.#filters = filters;
    this.#generation++;
    for (const filter of before.keys()) this.#obsolete.add(filter);
    for (const { filter } of filters) this.#obsolete.delete(filter);
    return filters.filter(({ filter, qos }) => before.get(filter) !== qos);
  }

  /** The session does not have these any more. */
  dropped(filters: readonly string[]): void {
    for (const filter of filters) this.#obsolete.delete(filter);
  }
}
