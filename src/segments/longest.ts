/** Bytes of a row: what it may take at most, and what it takes before its codes. */
export interface RowSize {
  readonly most: number;
  readonly least: number;
}

/**
 * The longest run, or nearly so, whose row stays within the size: from a guess, by the bytes that an item takes there,
 * since neighbours are alike. `plan` gives null for a run that cannot be one; a single item always can.
 */
export function longest<Plan extends { readonly length: number; readonly bytes: number }>(
  available: number,
  guess: number,
  size: RowSize,
  plan: (length: number) => Plan | null,
): Plan {
  let fitting: Plan | null = null;
  let tooLong = available + 1;
  let length = Math.min(guess, available);
  while (true) {
    const one = plan(length);
    if (one !== null && one.bytes <= size.most) fitting = one;
    else tooLong = length;
    if (fitting === null && length === 1) throw new Error('a single item does not fit into a row');
    const estimate =
      one === null
        ? length >> 1
        : Math.floor(((size.most - size.least) * length) / (one.bytes - size.least + 1));
    length = Math.min(estimate, tooLong - 1);
    if (fitting === null) length = Math.max(length, 1);
    else if (length <= fitting.length + (fitting.length >> 3)) return fitting;
  }
}
