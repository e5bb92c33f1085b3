/** Sequence numbers go from 0 to 255 and on from 0. */
const NUMBERS = 256;
/** One that lies further ahead is one that comes late. */
const AHEAD = NUMBERS / 2;

/** Follows the sequence numbers of one edge node, which all of its messages share, its devices' too. */
export class Sequence {
  /** The number that is due; null where any may come. */
  #due: number | null = null;
  /** Those that came before their turn. */
  readonly #early = new Set<number>();
  /** Since when one is missing, microseconds since 1970. */
  #since: number | null = null;

  /** Whether it is known which number is due. */
  get isFollowed(): boolean {
    return this.#due !== null;
  }

  /** A birth of the edge node: it counts anew. */
  begin(number: number): void {
    this.#due = (number + 1) % NUMBERS;
    this.#early.clear();
    this.#since = null;
  }

  /** It is gone. */
  end(): void {
    this.#due = null;
    this.#early.clear();
    this.#since = null;
  }

  /** A message came; returns whether it was in its turn. */
  take(number: number, now: number): boolean {
    if (!Number.isInteger(number) || number < 0 || number >= NUMBERS) return true;
    if (this.#due === null) {
      this.begin(number);
      return true;
    }
    const ahead = (number - this.#due + NUMBERS) % NUMBERS;
    if (ahead === 0) {
      this.#due = (this.#due + 1) % NUMBERS;
      this.#catchUp();
      if (this.#early.size === 0) this.#since = null;
      return true;
    }
    if (ahead >= AHEAD) return false;
    this.#early.add(number);
    this.#since ??= now;
    return false;
  }

  /** How many messages are given up because they did not come within `patience` microseconds. */
  giveUp(now: number, patience: number): number {
    if (this.#since === null || this.#due === null) return 0;
    if (now - this.#since < patience && this.#early.size < AHEAD / 2) return 0;
    let missing = 0;
    while (this.#early.size > 0) {
      this.#catchUp();
      if (this.#early.size === 0) break;
      missing++;
      this.#due = (this.#due + 1) % NUMBERS;
    }
    this.#since = null;
    return missing;
  }

  #catchUp(): void {
    while (this.#due !== null && this.#early.delete(this.#due)) this.#due = (this.#due + 1) % NUMBERS;
  }
}
