import type { Series } from './types.ts';

const FIRST_PLACES = 1024;

/** A set of series in memory, by their places: of ten thousands in a batch a Set would be slow to make, and large to drop. */
export class SeriesMarks {
  /** By place. */
  #marked = new Uint8Array(FIRST_PLACES);

  clear(): void {
    this.#marked.fill(0);
  }

  add({ place }: Series): void {
    if (place >= this.#marked.length) {
      const larger = new Uint8Array(Math.max(place + 1, this.#marked.length * 2));
      larger.set(this.#marked);
      this.#marked = larger;
    }
    this.#marked[place] = 1;
  }

  has({ place }: Series): boolean {
    return this.#marked[place] === 1;
  }
}
