import type { Acknowledger } from './acknowledger.ts';

/** Milliseconds from an acknowledgement to the ping that proves it. */
const PROOF = 1_000;
/** Milliseconds from one answer to the next ping while messages wait at the broker. */
const CATCHING_UP = 100;

export interface PingsParts {
  readonly acknowledger: Acknowledger;
  /** Sends a PINGREQ, or nothing where the connection cannot; `sent` is told of each, whoever sends it. */
  readonly send: () => void;
  /** The broker has the acknowledgements of all messages below this ordinal of the ledger. */
  readonly proven: (below: number) => void;
  /** Nothing waits at the broker any more. */
  readonly caughtUp: () => void;
}

/** What was written before a PINGREQ. */
interface Mark {
  readonly proven: number;
  readonly written: number;
}

/**
 * What an answered PINGREQ says beside "alive". A broker handles packets in their order: with the PINGRESP it has had
 * every PUBACK written before. And it has sent what its window allows: with room in the window, nothing waits.
 */
export class Pings {
  readonly #parts: PingsParts;
  readonly #marks: Mark[] = [];
  #timer: NodeJS.Timeout | null = null;
  #proven = 0;
  /** Messages that the broker may have in flight to us; null once it is known that none wait. */
  #window: number | null = null;
  #closed = false;

  constructor(parts: PingsParts) {
    this.#parts = parts;
  }

  /** Finds out when the broker has sent what waited in the session. */
  catchUp(window: number): void {
    this.#window = window;
    this.#parts.send();
  }

  /** PUBACKs were written. */
  acknowledged(): void {
    if (this.#parts.acknowledger.proven > this.#proven) this.#wait();
  }

  /** A PINGREQ is about to be written. */
  sent(): void {
    const { acknowledger } = this.#parts;
    acknowledger.flush();
    this.#marks.push({ proven: acknowledger.proven, written: acknowledger.written });
  }

  /** A PINGRESP came: they come in the order of the PINGREQs. */
  answered(): void {
    const { acknowledger, proven, caughtUp } = this.#parts;
    const mark = this.#marks.shift();
    if (mark === undefined || this.#closed) return;
    if (mark.proven > this.#proven) {
      this.#proven = mark.proven;
      proven(mark.proven);
    }
    if (this.#window !== null) {
      // Whatever was acknowledged later may still have filled the window when the broker answered.
      if (acknowledger.arrived - mark.written < this.#window) {
        this.#window = null;
        caughtUp();
      } else {
        this.#wait();
      }
    }
    this.acknowledged();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#closed) return;
    const milliseconds = this.#window === null ? PROOF : CATCHING_UP;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // One at a time: while reading is held back no answer can come, and `answered` goes on.
      if (this.#marks.length === 0) this.#parts.send();
    }, milliseconds);
  }
}
