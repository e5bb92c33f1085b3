import type { BirthTable } from './birth-table.ts';
import { Sequence } from './sequence.ts';
import { type Tables, type Turn, Turns } from './turns.ts';

/** One edge node with its devices: what was born and died when. A device lives no longer than the session that bore it. */
export class EdgeNode {
  readonly sequence = new Sequence();
  /** Since when a birth is wanted, microseconds since 1970; null where all is well. */
  wantedSince: number | null = null;
  /** The latest death that was not of the session. */
  stray: { readonly bdSeq: number | null; readonly at: number } | null = null;
  /** The latest birth or death, of devices too; 0 before the first. */
  lastAt = 0;
  readonly #own = new Turns();
  readonly #devices = new Map<string, Turns>();

  /** The edge node and its devices. */
  get nodes(): number {
    return 1 + this.#devices.size;
  }

  get wasBorn(): boolean {
    return this.#own.all.some(({ table }) => table !== null);
  }

  get isAlive(): boolean {
    return (this.#own.last?.table ?? null) !== null;
  }

  has(device: string | null): boolean {
    return device === null || this.#devices.has(device);
  }

  /** It died: it will be born anew by itself. */
  end(): void {
    this.sequence.end();
    this.wantedSince = null;
  }

  /** The time of a turn that is received now or, `past`, was then: none of an edge node has two. */
  timeOf(receivedAt: number, past: boolean): number {
    if (!past) return Math.max(receivedAt, this.lastAt + 1);
    const taken = new Set(
      [this.#own, ...this.#devices.values()].flatMap(({ all }) => all.map(({ at }) => at)),
    );
    let at = receivedAt;
    while (taken.has(at)) at++;
    return at;
  }

  /** Returns the tables that are needed no longer. */
  add(device: string | null, turn: Turn): BirthTable[] {
    let turns = device === null ? this.#own : this.#devices.get(device);
    if (turns === undefined) {
      turns = new Turns();
      this.#devices.set(device as string, turns);
    }
    this.lastAt = Math.max(this.lastAt, turn.at);
    const table = turns.add(turn)?.table ?? null;
    return table === null ? [] : [table];
  }

  find(
    device: string | null,
    receivedAt: number,
    table: BirthTable | null,
    bdSeq: number | null,
  ): Turn | undefined {
    return this.#turns(device)?.find(receivedAt, table, bdSeq);
  }

  tables(device: string | null, receivedAt: number, past: boolean): Tables {
    const turns = this.#turns(device);
    if (turns === undefined) return { now: null, next: null };
    const turn = past ? turns.before(receivedAt) : turns.last;
    const until = past ? receivedAt : Number.POSITIVE_INFINITY;
    const ended = device !== null && turn !== undefined && this.#own.hasWithin(turn.at, until, 'any');
    const now = ended ? null : (turn?.table ?? null);
    return { now, next: past ? this.#nextTable(turns, device, receivedAt) : null };
  }

  /** Whether a death is of a session before the one that it would end. */
  isStale(receivedAt: number, past: boolean, bdSeq: number | null): boolean {
    const turn = past ? this.#own.before(receivedAt) : this.#own.last;
    return (turn?.table ?? null) !== null && bdSeq !== null && turn?.bdSeq !== null && turn?.bdSeq !== bdSeq;
  }

  /** The devices that live just before this moment. */
  devicesAt(at: number): string[] {
    return [...this.#devices]
      .filter(([, turns]) => {
        const turn = turns.all.findLast((one) => one.at < at);
        return (turn?.table ?? null) !== null && !this.#own.hasWithin(turn?.at ?? 0, at - 1, 'any');
      })
      .map(([device]) => device);
  }

  /** Forgets everything; returns the tables that are needed no longer. */
  clear(): BirthTable[] {
    return [this.#own, ...this.#devices.values()].flatMap(({ all }) =>
      all.flatMap(({ table }) => (table === null ? [] : [table])),
    );
  }

  #turns(device: string | null): Turns | undefined {
    return device === null ? this.#own : this.#devices.get(device);
  }

  /** Of the first birth after the message, unless the session of the message ended before it. */
  #nextTable(turns: Turns, device: string | null, receivedAt: number): BirthTable | null {
    const turn = turns.next(receivedAt);
    if (turn === undefined || turn.table === null) return null;
    const died = device !== null && this.#own.hasWithin(receivedAt, turn.at, 'death');
    return died ? null : turn.table;
  }
}
