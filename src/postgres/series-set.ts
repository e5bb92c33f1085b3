/** Series of a page; ids are given out one after the other, so that pages are full. */
const PAGE = 4_096;

/** Which of millions of series, a bit each. */
export class SeriesSet {
  readonly #pages = new Map<number, Uint8Array>();

  has(id: number): boolean {
    const bits = this.#pages.get(Math.floor(id / PAGE));
    return bits !== undefined && ((bits[(id % PAGE) >> 3] as number) & (1 << (id & 7))) !== 0;
  }

  add(id: number): void {
    const page = Math.floor(id / PAGE);
    let bits = this.#pages.get(page);
    if (bits === undefined) this.#pages.set(page, (bits = new Uint8Array(PAGE / 8)));
    const at = (id % PAGE) >> 3;
    bits[at] = (bits[at] as number) | (1 << (id & 7));
  }
}
