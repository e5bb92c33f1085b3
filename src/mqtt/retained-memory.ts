import { hash } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';

/**
 * The digest of the latest payload of each topic, so that a retained copy of a message that this process already had
 * is known when a new subscription brings it again. Bounded: the topics first seen are forgotten first, and what is
 * forgotten counts as changed.
 */
export class RetainedMemory {
  readonly #digests: BoundedMap<string, string>;

  constructor(limit: number) {
    this.#digests = new BoundedMap(limit);
  }

  /** Whether the payload differs from the latest one of its topic, which it becomes. */
  remember(topic: string, payload: Uint8Array): boolean {
    const digest = hash('sha1', payload, 'base64');
    if (this.#digests.get(topic) === digest) return false;
    this.#digests.set(topic, digest);
    return true;
  }
}
