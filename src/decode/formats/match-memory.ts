import type { TopicMatch } from '../router.ts';

/** Devices repeat what they send; the bound keeps a stranger's endless names from filling the memory: of about 100 bytes each. */
const MOST_PARTS = 200_000;
const BYTES_PER_PART = 100;

/** What payloads mean under a topic's route, so that it is read once: a table for each match, all forgotten where they are too much. */
export class MatchMemory<Table> {
  readonly #make: () => Table;
  #byMatch = new WeakMap<TopicMatch, Table>();
  #parts = 0;
  #isFull = false;
  /** A message has one match, and asks often. */
  #latest: TopicMatch | null = null;
  #ofLatest: Table | null = null;

  constructor(make: () => Table) {
    this.#make = make;
  }

  /** To be called before each payload: what is known of one is not forgotten within it. */
  begin(): void {
    if (!this.#isFull) return;
    this.#byMatch = new WeakMap();
    this.#parts = 0;
    this.#isFull = false;
    this.#latest = null;
    this.#ofLatest = null;
  }

  of(match: TopicMatch): Table {
    if (match === this.#latest && this.#ofLatest !== null) return this.#ofLatest;
    let table = this.#byMatch.get(match);
    if (table === undefined) {
      table = this.#make();
      this.#byMatch.set(match, table);
    }
    this.#latest = match;
    this.#ofLatest = table;
    return table;
  }

  /** Counts what is kept: in parts of about 100 bytes, and texts of so many characters. */
  grow(parts: number, characters = 0): void {
    this.#parts += parts + Math.floor(characters / BYTES_PER_PART);
    if (this.#parts > MOST_PARTS) this.#isFull = true;
  }
}
