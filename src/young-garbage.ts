import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A scavenge takes a millisecond or two, and what was received is a multiple of this in memory until then. */
const COLLECT_AFTER_BYTES = 4 * 1024 * 1024;

/**
 * Collects V8's young generation by the bytes received. Messages of a megabyte leave strings and buffers of megabytes
 * behind, but few objects, and V8 waits for those: up to a hundred megabytes of garbage between two collections.
 */
export class YoungGarbage {
  readonly #collect: (options: { type: 'minor' }) => void;
  #bytes = 0;

  constructor(collect = collector()) {
    this.#collect = collect;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < COLLECT_AFTER_BYTES) return;
    this.#bytes = 0;
    this.#collect({ type: 'minor' });
  }
}

/** V8 shows its collector only to contexts that are made while the flag is set. */
function collector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
