/** Counters for topics; one that comes when all are taken takes over the smallest (Metwally and others, "Space-Saving", 2005). */
const COUNTERS = 128;
/** Characters of a topic that are kept: it may have 65,535. */
const TOPIC_LENGTH = 200;

/** Which topic brings most, in a bounded memory: whatever brings more than one part in 128 is never missed. */
export class TopicTally {
  #counts = new Map<string, { count: number; error: number }>();

  add(topic: string): void {
    const name = topic.length <= TOPIC_LENGTH ? topic : `${topic.slice(0, TOPIC_LENGTH)}...`.toWellFormed();
    const known = this.#counts.get(name);
    if (known !== undefined) known.count++;
    else if (this.#counts.size < COUNTERS) this.#counts.set(name, { count: 1, error: 0 });
    else {
      const [smallest, { count }] = this.#least();
      this.#counts.delete(smallest);
      this.#counts.set(name, { count: count + 1, error: count });
    }
  }

  /** The topic and how many it brought at least; null where none came. Begins anew. */
  take(): { readonly topic: string; readonly count: number } | null {
    const first = [...this.#counts].reduce<[string, { count: number; error: number }] | null>(
      (most, one) => (most === null || one[1].count > most[1].count ? one : most),
      null,
    );
    this.#counts = new Map();
    return first === null ? null : { topic: first[0], count: first[1].count - first[1].error };
  }

  #least(): [string, { count: number; error: number }] {
    return [...this.#counts].reduce((least, one) => (one[1].count < least[1].count ? one : least));
  }
}
