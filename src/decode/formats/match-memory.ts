import type { TopicMatch } from '../router.ts';

/** Devices repeat what they send; the bound keeps a stranger's endless names from filling the memory: of about 100 bytes each. */
const MOST_PARTS = 200_000;
const BYTES_PER_PART = 100;

/** What payloads mean under a topic's route, so that it is read once: a table for each match, all forgotten where they are too much. */
export class MatchMemory<Table> {
  readonly #make: () => Table;
  #byMatch = new WeakMap<TopicMatch, Table>();
  #parts = 0;
  /** A message has one match, and asks often. */
  #latest: TopicMatch | null = null;
  #ofLatest: Table | null = null;

  constructor(make: () => Table) {
    this.#make = make;
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

  /** Counts what is about to be kept: in parts of about 100 bytes, and texts of so many characters. */
  grow(parts: number, characters = 0): void {
    this.#parts += parts + Math.floor(characters / BYTES_PER_PART);
    if (this.#parts > MOST_PARTS) {
      this.#byMatch = new WeakMap();
      this.#parts = 0;
      this.#latest = null;
    }
  }
}
