import { PointBuffer } from './point-buffer.ts';
import type { PointColumns } from './types.ts';

/** Larger ones are not kept, nor more than this. */
const MOST_POINTS = 65_536;
const MOST_KEPT = 4;

/**
 * Buffers for the points of one batch after the other. Their columns lie outside of V8's heap, which collects all of itself
 * whenever 64 MiB of such memory have come together: made anew for each batch they were most of that.
 */
export class PointBuffers {
  readonly #spare: PointBuffer[] = [];
  readonly #buffers = new WeakMap<PointColumns, PointBuffer>();

  /** An empty one; `expected`: points that it is likely to get. */
  take(expected: number): PointBuffer {
    return this.#spare.pop() ?? new PointBuffer(expected);
  }

  /** What was written into a buffer, which must not be written to until its columns are given back. */
  columnsOf(buffer: PointBuffer): PointColumns {
    const columns = buffer.columns();
    this.#buffers.set(columns, buffer);
    return columns;
  }

  /** Nobody will look at these columns any more. Those that are not ours are left alone, as they may share others' memory. */
  giveBack(columns: PointColumns): void {
    const buffer = this.#buffers.get(columns);
    if (buffer === undefined) return;
    this.#buffers.delete(columns);
    if (this.#spare.length >= MOST_KEPT || columns.timestamp.length > MOST_POINTS) return;
    buffer.truncate(0);
    this.#spare.push(buffer);
  }
}
