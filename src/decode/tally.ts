import { type DecodeLimits, VISITS_PER_POINT } from './decode-limits.ts';
import { DifferentTexts } from './different-texts.ts';
import { Excess } from './excess.ts';

/**
 * What one message comes to, counted before any of it is stored: points (and values that could not become points),
 * different names, and values that were looked at. Beyond a limit it throws Excess; counts nothing unless it was begun.
 */
export class Tally {
  readonly #limits: DecodeLimits;
  #counts = false;
  readonly #names = new DifferentTexts();
  /** Names beside them, which are told apart elsewhere. */
  #others = 0;
  #points = 0;
  #visits = 0;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  /** Counts what `emit` tells; returns what is more than a message may have, null where nothing is. */
  of(emit: () => void): Excess | null {
    this.#counts = true;
    this.#names.clear();
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
      this.#counts = false;
    }
  }

  points(count: number): void {
    if (!this.#counts) return;
    this.#points += count;
    if (this.#points > this.#limits.pointsPerMessage) this.#refuse();
  }

  /** A value that may give no point at all. */
  visit(): void {
    const most = this.#limits.pointsPerMessage * VISITS_PER_POINT;
    if (this.#counts && ++this.#visits > most) this.#refuse();
  }

  /** A name that the message brings: of a device or a metric, or what stands for one. */
  name(name: string): void {
    if (!this.#counts) return;
    this.#names.add(name);
    this.#hold();
  }

  /** One that the message has not brought yet, as whoever tells of it knows. */
  newName(): void {
    if (!this.#counts) return;
    this.#others++;
    this.#hold();
  }

  #hold(): void {
    const { namesPerMessage } = this.#limits;
    if (this.#names.size + this.#others > namesPerMessage) {
      throw new Excess('too_many_names', `more than ${namesPerMessage} different names`);
    }
  }

  #refuse(): never {
    throw new Excess('too_many_points', `more than ${this.#limits.pointsPerMessage} points`);
  }
}
