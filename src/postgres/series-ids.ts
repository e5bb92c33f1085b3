import { hash, randomBytes } from 'node:crypto';
import type { Series, SeriesKind } from '../pipeline/types.ts';

/** In the order of their codes. */
const KINDS: readonly SeriesKind[] = ['gauge', 'counter', 'state', 'text'];
const KIND_CODES = 8;
/** Each grows by itself, so that never more than a small part of all is there twice. A power of two. */
const SHARDS = 64;
const FIRST_SLOTS = 16;
/** Of the slots of a shard, at most so many are taken. */
const FILLED = 0.7;
/** 16 bytes each, at a load between 0.35 and 0.7: some 35 MB at most. */
const MOST_SERIES = 1_400_000;

/**
 * The ids and kinds of series that messages say nothing else of, a few bytes each, for many more series than there are
 * objects in memory: what comes once a minute from a million series would otherwise be looked up in the database every
 * time. Names are kept as the first 64 bits of their SHA-256 with a secret: that two of a million series that are there
 * and as many that are not meet has a chance of 1 : 10^7, and nobody can choose names that do.
 */
export class SeriesIds {
  readonly #most: number;
  readonly #secret = randomBytes(16).toString('latin1');
  #shards: Shard[] = shards();
  #size = 0;

  /** `most`: beyond it all are forgotten. */
  constructor(most = MOST_SERIES) {
    this.#most = most;
  }

  get size(): number {
    return this.#size;
  }

  /** Null where it is not known. */
  find(series: Series): { readonly id: number; readonly kind: SeriesKind } | null {
    const key = this.#keyOf(series);
    const entry = shardOf(this.#shards, key).get(key);
    if (entry === 0) return null;
    return { id: Math.floor(entry / KIND_CODES), kind: KINDS[entry % KIND_CODES] as SeriesKind };
  }

  /** Ids are from 1 on, below 2^50. */
  keep(series: Series, id: number, kind: SeriesKind): void {
    if (this.#size >= this.#most) this.clear();
    const key = this.#keyOf(series);
    if (shardOf(this.#shards, key).set(key, id * KIND_CODES + KINDS.indexOf(kind))) this.#size++;
  }

  forget(series: Series): void {
    const key = this.#keyOf(series);
    const shard = shardOf(this.#shards, key);
    // The place stays taken: others may have been put behind it.
    if (shard.get(key) !== 0) shard.set(key, 0);
  }

  clear(): void {
    this.#shards = shards();
    this.#size = 0;
  }

  #keyOf({ deviceId, metricName, text }: Series): Buffer {
    const names = `${this.#secret}${deviceId.length}${text ? 't' : 'n'}${deviceId}${metricName}`;
    return hash('sha256', names, 'buffer');
  }
}

function shards(): Shard[] {
  return Array.from({ length: SHARDS }, () => new Shard());
}

function shardOf(all: readonly Shard[], key: Buffer): Shard {
  return all[(key[8] as number) % SHARDS] as Shard;
}

/** Open addressing with linear probing. */
class Shard {
  #mask = FIRST_SLOTS - 1;
  #taken = 0;
  /** Two words a slot. */
  #keys = new Uint32Array(2 * FIRST_SLOTS);
  /** NaN: the slot is free. 0: forgotten. */
  #entries = new Float64Array(FIRST_SLOTS).fill(Number.NaN);

  /** 0: none. */
  get(key: Buffer): number {
    const entry = this.#entries[this.#slotOf(key.readUInt32LE(0), key.readUInt32LE(4))] as number;
    return Number.isNaN(entry) ? 0 : entry;
  }

  /** Returns whether a slot was taken for it. */
  set(key: Buffer, entry: number): boolean {
    const isNew = this.#put(key.readUInt32LE(0), key.readUInt32LE(4), entry);
    if (isNew && ++this.#taken > FILLED * (this.#mask + 1)) this.#grow();
    return isNew;
  }

  #put(low: number, high: number, entry: number): boolean {
    const slot = this.#slotOf(low, high);
    const isNew = Number.isNaN(this.#entries[slot]);
    this.#keys[2 * slot] = low;
    this.#keys[2 * slot + 1] = high;
    this.#entries[slot] = entry;
    return isNew;
  }

  /** Where the key is, or the free slot where it would be. */
  #slotOf(low: number, high: number): number {
    const [keys, entries] = [this.#keys, this.#entries];
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (Number.isNaN(entries[slot])) return slot;
      if (keys[2 * slot] === low && keys[2 * slot + 1] === high) return slot;
    }
  }

  #grow(): void {
    const [keys, entries] = [this.#keys, this.#entries];
    const slots = 2 * entries.length;
    this.#mask = slots - 1;
    this.#keys = new Uint32Array(2 * slots);
    this.#entries = new Float64Array(slots).fill(Number.NaN);
    for (const [slot, entry] of entries.entries()) {
      if (!Number.isNaN(entry)) this.#put(keys[2 * slot] as number, keys[2 * slot + 1] as number, entry);
    }
  }
}
