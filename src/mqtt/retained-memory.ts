import { hash } from 'node:crypto';

/**
 * The digest of the latest payload of each topic, so that a retained copy of a message that this process already had
 * is known when a new subscription brings it again. Bounded: the topics first seen are forgotten first, and what is
 * forgotten counts as changed.
 */
export class RetainedMemory {
  readonly #limit: number;
  readonly #digests = new Map<string, string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the payload differs from the latest one of its topic, which it becomes. */
  remember(topic: string, payload: Uint8Array): boolean {
    const digest = hash('sha1', payload, 'base64');
    const latest = this.#digests.get(topic);
    if (latest === digest) return false;
    if (latest === undefined && this.#digests.size >= this.#limit) {
      for (const oldest of this.#digests.keys()) {
        this.#digests.delete(oldest);
        break;
      }
    }
    this.#digests.set(topic, digest);
    return true;
  }
}
