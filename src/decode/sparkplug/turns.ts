import { RECEIPT_STEP } from '../../receipt-clock.ts';
import type { BirthTable } from './birth-table.ts';

/** A birth or, without a table, a death of an edge node or device. */
export interface Turn {
  /** When it was received, microseconds since 1970; no two of an edge node are at one time. */
  readonly at: number;
  readonly table: BirthTable | null;
  readonly bdSeq: number | null;
}

/** What messages of a node are read by. */
export interface Tables {
  /** Of the birth that was in force; null where none was. */
  readonly now: BirthTable | null;
  /** Of the first birth after the message, where the same session lasts: for messages that were received before. */
  readonly next: BirthTable | null;
}

/** So many are remembered of a node: what a message meant that was received before them is not known any more. */
export const TURNS_KEPT = 128;

/** The births and deaths of one node, by their time. */
export class Turns {
  readonly #turns: Turn[] = [];

  get last(): Turn | undefined {
    return this.#turns.at(-1);
  }

  get all(): readonly Turn[] {
    return this.#turns;
  }

  /** Returns the one that was forgotten for it. */
  add(turn: Turn): Turn | undefined {
    this.#turns.splice(this.#after(turn.at), 0, turn);
    return this.#turns.length > TURNS_KEPT ? this.#turns.shift() : undefined;
  }

  /** The one that this message told of already, when it was decoded before. */
  find(receivedAt: number, table: BirthTable | null, bdSeq: number | null): Turn | undefined {
    return this.#turns.find(
      (turn) =>
        turn.at >= receivedAt &&
        turn.at < receivedAt + RECEIPT_STEP &&
        turn.table === table &&
        turn.bdSeq === bdSeq,
    );
  }

  /** The latest one that a message received at `time` follows. */
  before(time: number): Turn | undefined {
    return this.#turns[this.#after(time) - 1];
  }

  /** The first one after a message received at `time`. */
  next(time: number): Turn | undefined {
    return this.#turns[this.#after(time)];
  }

  /** Whether one, or a death, lies in between. */
  hasWithin(after: number, until: number, only: 'any' | 'death'): boolean {
    return this.#turns.some(
      ({ at, table }) => at > after && at <= until && (only === 'any' || table === null),
    );
  }

  /** The index of the first that is later. */
  #after(time: number): number {
    let index = this.#turns.length;
    while (index > 0 && (this.#turns[index - 1] as Turn).at > time) index--;
    return index;
  }
}
