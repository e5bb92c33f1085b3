import type { TextColumns } from './types.ts';

/** Texts as columns that grow. */
export class TextBuffer {
  readonly #seriesIndex: number[] = [];
  readonly #messageIndex: number[] = [];
  readonly #timestamp: number[] = [];
  readonly #value: string[] = [];
  readonly #flags: number[] = [];

  get length(): number {
    return this.#value.length;
  }

  push(seriesIndex: number, messageIndex: number, timestamp: number, value: string, flags: number): void {
    this.#seriesIndex.push(seriesIndex);
    this.#messageIndex.push(messageIndex);
    this.#timestamp.push(timestamp);
    this.#value.push(value);
    this.#flags.push(flags);
  }

  /** Takes back what was pushed last. */
  truncate(length: number): void {
    const { length: _length, ...columns } = this.columns();
    for (const column of Object.values(columns) as unknown[][]) column.length = length;
  }

  /** The buffer must not be used after. */
  columns(): TextColumns {
    return {
      length: this.#value.length,
      seriesIndex: this.#seriesIndex,
      messageIndex: this.#messageIndex,
      timestamp: this.#timestamp,
      value: this.#value,
      flags: this.#flags,
    };
  }
}
