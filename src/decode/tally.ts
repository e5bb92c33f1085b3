import { TextMap } from '../text-map.ts';
import { type DecodeLimits, VISITS_PER_POINT } from './decode-limits.ts';
import { Excess } from './excess.ts';

/**
 * What one message comes to, counted before any of it is stored: points (and values that could not become points),
 * different names, and values that were looked at. Beyond a limit it throws Excess; counts nothing unless it was begun.
 */
export class Tally {
  readonly #limits: DecodeLimits;
  /** Null: nobody counts. */
  #names: TextMap<true> | null = null;
  /** Names beside them, which are told apart elsewhere. */
  #others = 0;
  #points = 0;
  #visits = 0;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  /** Counts what `emit` tells; returns what is more than a message may have, null where nothing is. */
  of(emit: () => void): Excess | null {
    this.#names = new TextMap();
    this.#others = 0;
    this.#points = 0;
    this.#visits = 0;
    try {
      emit();
      return null;
    } catch (error) {
      if (error instanceof Excess) return error;
      throw error;
    } finally {
      this.#names = null;
    }
  }

  points(count: number): void {
    if (this.#names === null) return;
    this.#points += count;
    if (this.#points > this.#limits.pointsPerMessage) this.#refuse();
  }

  /** A value that may give no point at all. */
  visit(): void {
    const most = this.#limits.pointsPerMessage * VISITS_PER_POINT;
    if (this.#names !== null && ++this.#visits > most) this.#refuse();
  }

  /** A name that the message brings: of a device or a metric, or what stands for one. */
  name(name: string): void {
    const names = this.#names;
    if (names === null || names.get(name) === true) return;
    names.set(name, true);
    this.#hold(names.size);
  }

  /** One that the message has not brought yet, as whoever tells of it knows. */
  newName(): void {
    if (this.#names === null) return;
    this.#others++;
    this.#hold(this.#names.size);
  }

  #hold(names: number): void {
    const { namesPerMessage } = this.#limits;
    if (names + this.#others > namesPerMessage) {
      throw new Excess('too_many_names', `more than ${namesPerMessage} different names`);
    }
  }

  #refuse(): never {
    throw new Excess('too_many_points', `more than ${this.#limits.pointsPerMessage} points`);
  }
}
