import type { Series, SeriesKind } from '../pipeline/types.ts';
import { type SeriesKey, SeriesKeys } from './series-keys.ts';

/** In the order of their codes. */
const KINDS: readonly SeriesKind[] = ['gauge', 'counter', 'state', 'text'];
const KIND_BITS = 2;
const KIND_MASK = 3;
/** Ids from here on, of which no database has as many, are not kept. */
const MOST_ID = 2 ** 30 - 1;
/** A power of two. Each grows by itself, so that never more than a small part of all is there twice. */
const SHARDS = 64;
const FIRST_SLOTS = 16;
/** Of the slots of a shard, at most so many are taken. */
const FILLED = 0.75;
const GROWTH = 1.5;
/** The two halves of the key, and the id and the kind. */
const WORDS = 3;
const FREE = -1;
const FORGOTTEN = 0;
/** 12 bytes each, at a load between 0.5 and 0.75: some 30 MB at most. */
const MOST_SERIES = 1_400_000;

/**
 * The ids and kinds of series that messages say nothing else of, a few bytes each, for many more series than there are
 * objects in memory: what comes once a minute from a million series would otherwise be looked up in the database every
 * time. Names are kept as keys of 64 bits (`SeriesKeys`): that two of a million series that are there
 * and as many that are not meet has a chance of 1 : 10^7, and nobody can choose names that do.
 */
export class SeriesIds {
  readonly #most: number;
  readonly #keys = new SeriesKeys();
  #shards: Shard[] = shards();
  #size = 0;

  /** `most`: beyond it all are forgotten. */
  constructor(most = MOST_SERIES) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** Fills the series' `id` and `storedKind`; false where they are not known. */
  recall(series: Series): boolean {
    const key = this.#keys.of(series);
    const entry = shardOf(this.#shards, key).get(key);
    if (entry === FORGOTTEN) return false;
    series.id = entry >>> KIND_BITS;
    series.storedKind = KINDS[entry & KIND_MASK] as SeriesKind;
    return true;
  }

  /** Ids are from 1 on. */
  keep(series: Series, id: number, kind: SeriesKind): void {
    if (id >= MOST_ID) {
      this.forget(series);
      return;
    }
    if (this.#size >= this.#most) this.clear();
    const key = this.#keys.of(series);
    if (shardOf(this.#shards, key).set(key, (id << KIND_BITS) | KINDS.indexOf(kind))) this.#size++;
  }

  forget(series: Series): void {
    const key = this.#keys.of(series);
    const shard = shardOf(this.#shards, key);
    // The place stays taken: others may have been put behind it.
    if (shard.get(key) !== FORGOTTEN) shard.set(key, FORGOTTEN);
  }

  clear(): void {
    this.#shards = shards();
    this.#size = 0;
  }
}

function shards(): Shard[] {
  return Array.from({ length: SHARDS }, () => new Shard());
}

/** By bits that have no part in the place there. */
function shardOf(all: readonly Shard[], { high }: SeriesKey): Shard {
  return all[high & (SHARDS - 1)] as Shard;
}

/** Open addressing with linear probing, from the place that the first half of the key has among all of its values. */
class Shard {
  #taken = 0;
  #slots = FIRST_SLOTS;
  #words = emptySlots(FIRST_SLOTS);

  /** FORGOTTEN: none. */
  get({ low, high }: SeriesKey): number {
    const entry = this.#words[this.#find(low, high) + 2] as number;
    return entry === FREE ? FORGOTTEN : entry;
  }

  /** Returns whether a slot was taken for it. */
  set({ low, high }: SeriesKey, entry: number): boolean {
    const isNew = this.#put(low, high, entry);
    if (isNew && ++this.#taken > FILLED * this.#slots) this.#grow();
    return isNew;
  }

  #put(low: number, high: number, entry: number): boolean {
    const at = this.#find(low, high);
    const isNew = this.#words[at + 2] === FREE;
    this.#words[at] = low;
    this.#words[at + 1] = high;
    this.#words[at + 2] = entry;
    return isNew;
  }

  /** The first word of the slot where the key is, or of the free one where it would be. */
  #find(low: number, high: number): number {
    const words = this.#words;
    for (let at = WORDS * Math.floor(((low >>> 0) / 2 ** 32) * this.#slots); ; ) {
      if (words[at + 2] === FREE || (words[at] === low && words[at + 1] === high)) return at;
      at += WORDS;
      if (at === words.length) at = 0;
    }
  }

  #grow(): void {
    const words = this.#words;
    this.#slots = Math.ceil(this.#slots * GROWTH);
    this.#words = emptySlots(this.#slots);
    for (let at = 0; at < words.length; at += WORDS) {
      const entry = words[at + 2] as number;
      if (entry !== FREE) this.#put(words[at] as number, words[at + 1] as number, entry);
    }
  }
}

function emptySlots(slots: number): Int32Array {
  return new Int32Array(WORDS * slots).fill(FREE);
}
