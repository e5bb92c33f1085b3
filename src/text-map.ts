/** Entries up to which one table is as quick as several. */
const FEW = 1024;
/** A power of two. */
const PARTS = 128;
/** Of a long text, the last so many UTF-16 units tell it from others: names begin alike. */
const TOLD_BY = 48;

/**
 * A map by texts for entries that come by ten thousands within one message. A table of V8's own map is made anew each time it
 * doubles, and one of megabytes is slow to make and slow to look into: many small ones take a fourth of the time.
 */
export class TextMap<T> {
  #few = new Map<string, T>();
  /** Null: they are few. */
  #parts: readonly Map<string, T>[] | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(text: string): T | undefined {
    return (this.#parts === null ? this.#few : partOf(this.#parts, text)).get(text);
  }

  set(text: string, value: T): void {
    const table = this.#parts === null ? this.#few : partOf(this.#parts, text);
    const before = table.size;
    this.#size += table.set(text, value).size - before;
    if (this.#parts === null && this.#size > FEW) this.#part();
  }

  delete(text: string): void {
    const table = this.#parts === null ? this.#few : partOf(this.#parts, text);
    if (table.delete(text)) this.#size--;
  }

  /** Whoever goes through them may delete the one that is at hand. */
  *[Symbol.iterator](): Generator<[string, T]> {
    yield* this.#few;
    for (const part of this.#parts ?? []) yield* part;
  }

  #part(): void {
    const parts = Array.from({ length: PARTS }, () => new Map<string, T>());
    for (const [text, value] of this.#few) partOf(parts, text).set(text, value);
    this.#parts = parts;
    this.#few = new Map();
  }
}

function partOf<T>(parts: readonly Map<string, T>[], text: string): Map<string, T> {
  let hash = text.length;
  for (let at = Math.max(0, text.length - TOLD_BY); at < text.length; at++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  }
  return parts[(hash ^ (hash >>> 15)) & (PARTS - 1)] as Map<string, T>;
}
