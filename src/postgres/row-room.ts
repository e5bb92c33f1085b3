/** Columns of so many rows at least, of whatever was there before. */
interface RowColumns {
  readonly seriesId: Float64Array;
  readonly timestamp: Float64Array;
  readonly value: Float64Array;
  readonly arrival: Uint8Array;
  /** For their order. */
  readonly order: Int32Array;
}

/** More rows than this have columns of their own. */
const MOST_KEPT = 65_536;
const LEAST = 1_024;

/**
 * Columns for the rows of one batch after the other: arrays of that size lie outside of V8's heap, which collects all of itself
 * whenever 64 MiB of them have come together.
 */
export class RowRoom {
  #columns: RowColumns = made(0);

  columns(length: number): RowColumns {
    if (length > MOST_KEPT) return made(length);
    const kept = this.#columns;
    if (kept.order.length >= length) return kept;
    return (this.#columns = made(Math.max(LEAST, Math.min(MOST_KEPT, length * 2))));
  }
}

/** As many rooms as ever were needed at once. */
export class RowRooms {
  readonly #free: RowRoom[] = [];

  /** To work that nobody else shares the room with until it is through, whatever becomes of it. */
  async lend<T>(work: (room: RowRoom) => Promise<T>): Promise<T> {
    const room = this.#free.pop() ?? new RowRoom();
    try {
      return await work(room);
    } finally {
      this.#free.push(room);
    }
  }
}

function made(length: number): RowColumns {
  return {
    seriesId: new Float64Array(length),
    timestamp: new Float64Array(length),
    value: new Float64Array(length),
    arrival: new Uint8Array(length),
    order: new Int32Array(length),
  };
}
