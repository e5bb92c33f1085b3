import type { Logger } from '../pipeline/types.ts';
import { keepDamaged } from './segment.ts';

/** Counts what cannot be read, each place once, and keeps the files. */
export class DamageLog {
  readonly #logger: Logger;
  readonly #known = new Set<string>();
  #bytes = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Places, each of a record or more; and their bytes. */
  get damaged(): { readonly records: number; readonly bytes: number } {
    return { records: this.#known.size, bytes: this.#bytes };
  }

  async found(path: string, from: number, end: number): Promise<void> {
    const place = `${path} ${from}`;
    if (this.#known.has(place)) return;
    this.#known.add(place);
    this.#bytes += end - from;
    const kept = await keepDamaged(path).catch((error: unknown) => `not kept: ${(error as Error).message}`);
    this.#logger.error(
      { file: path, from, bytes: end - from, kept },
      'a record of the spool is damaged and was passed over: its messages are lost (look at the disk)',
    );
  }
}
