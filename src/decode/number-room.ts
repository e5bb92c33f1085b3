/** Numbers: the columns of several thousand points. */
const SIZE = 32_768;

/**
 * Room for the columns of one message after the other. An array of a thousand numbers of its own lies outside of V8's heap, which
 * collects all of itself whenever 64 MiB of such memory have come together.
 */
export class NumberRoom {
  readonly #numbers = new Float64Array(SIZE);
  #used = 0;

  /** So many numbers, of whatever was there before, until `clear`; where there is no room, an array of its own. */
  take(length: number): Float64Array {
    const from = this.#used;
    if (from + length > SIZE) return new Float64Array(length);
    this.#used = from + length;
    return this.#numbers.subarray(from, this.#used);
  }

  /** All that is free, for a column of unknown length: it is `take` that gives the column what was written there. */
  rest(): Float64Array {
    return this.#numbers.subarray(this.#used);
  }

  /** Nobody has any of it any more. */
  clear(): void {
    this.#used = 0;
  }
}
