import type { EdgeEvent } from '../../pipeline/types.ts';
import { BirthTable } from './birth-table.ts';
import { EdgeNode } from './edge-node.ts';
import type { SparkplugTopic } from './topic.ts';
import type { Tables, Turn } from './turns.ts';

export interface EdgeLimits {
  /** Edge nodes and devices that are known at once. */
  readonly nodes: number;
  /** Metrics that their births name, those of births gone by included. */
  readonly metrics: number;
}

/** Which node a message is of. */
type Place = Pick<SparkplugTopic, 'edge' | 'device'>;

export interface EdgeCounts {
  /** Messages that never came. */
  missing: number;
  /** Messages that came out of their turn. */
  reordered: number;
  /** Deaths of a session before the present one. */
  staleDeaths: number;
}

/** Edge nodes of which something is wrong. */
export interface EdgeNews {
  /** Messages that were missed, by edge node. */
  readonly gaps: ReadonlyMap<string, number>;
  /** Edge nodes whose birth is wanted, since so many microseconds since 1970. */
  readonly wanted: readonly { readonly edge: string; readonly since: number }[];
}

/** Of those that nobody keeps. */
const FEW: EdgeLimits = { nodes: 1_000, metrics: 100_000 };
/** A death may overtake the birth of its own session by so many microseconds. */
const OVERTAKEN = 5_000_000;

/**
 * What is known of Sparkplug edge nodes: births and deaths with their times, so that a message is read by the table of its
 * time of receipt, whenever that is. State of a decoder, without I/O; it is kept with the batches (`EdgeEvent`).
 * `past`: the message was received before and is decoded again.
 */
export class EdgeNodes {
  readonly counts: EdgeCounts = { missing: 0, reordered: 0, staleDeaths: 0 };
  readonly #limits: EdgeLimits;
  readonly #edges = new Map<string, EdgeNode>();
  /** Births say the same again and again. */
  readonly #tables = new Map<string, { readonly table: BirthTable; uses: number }>();
  #metrics = 0;
  #nodes = 0;

  constructor(limits = FEW) {
    this.#limits = limits;
  }

  states(): { readonly online: number; readonly offline: number } {
    let online = 0;
    let known = 0;
    for (const edge of this.#edges.values()) {
      if (!edge.wasBorn) continue;
      known++;
      if (edge.isAlive) online++;
    }
    return { online, offline: known - online };
  }

  /** What earlier lives kept. Throws MessageError where a definition is damaged. */
  restore(events: readonly EdgeEvent[]): void {
    for (const { edge, device, kind, receivedAt, bdSeq, definition } of events) {
      if (kind === 'forgotten') continue;
      const table = definition === null ? null : this.#intern(BirthTable.decode(definition));
      this.#add(edge, device, { at: receivedAt, table, bdSeq });
    }
  }

  tables({ edge, device }: Place, receivedAt: number, past: boolean): Tables {
    return this.#edges.get(edge)?.tables(device, receivedAt, past) ?? { now: null, next: null };
  }

  /** What is to be kept of a birth: null where it is one too many. */
  born(
    { edge: name, device }: Place,
    receivedAt: number,
    past: boolean,
    bdSeq: number | null,
    born: BirthTable,
  ): EdgeEvent[] | null {
    const known = this.#edges.get(name);
    const same = this.#tables.get(born.digest)?.table ?? born;
    const found = past ? known?.find(device, receivedAt, same, bdSeq) : undefined;
    const event = { edge: name, device, kind: 'birth', bdSeq, definition: born.encode() } as const;
    if (found !== undefined) return [{ ...event, receivedAt: found.at }];
    const forgotten = this.#makeRoom(
      known?.has(device) === true ? 0 : 1,
      same === born ? born.size : 0,
      name,
      receivedAt,
    );
    if (forgotten === null) return null;
    const at = this.#edge(name).timeOf(receivedAt, past);
    this.#add(name, device, { at, table: this.#intern(born), bdSeq });
    return [...forgotten, { ...event, receivedAt: at }];
  }

  /**
   * What is to be kept of a death, and the devices that end with the edge node; null where it is of a session that ended
   * before (its bdSeq is not that of the birth).
   */
  died(
    { edge: name, device }: Place,
    receivedAt: number,
    past: boolean,
    bdSeq: number | null,
  ): { readonly events: EdgeEvent[]; readonly devices: readonly string[] } | null {
    const known = this.#edges.get(name);
    const event = { edge: name, device, kind: 'death', bdSeq, definition: null } as const;
    const found = past ? known?.find(device, receivedAt, null, bdSeq) : undefined;
    if (found !== undefined) {
      const devices = device === null ? (known?.devicesAt(found.at) ?? []) : [];
      return { events: [{ ...event, receivedAt: found.at }], devices };
    }
    if (device === null && known?.isStale(receivedAt, past, bdSeq) === true) {
      if (!past) this.counts.staleDeaths++;
      if (receivedAt >= (known.stray?.at ?? 0)) known.stray = { bdSeq, at: receivedAt };
      return null;
    }
    const forgotten = this.#makeRoom(known?.has(device) === true ? 0 : 1, 0, name, receivedAt);
    // Of one that is not known nothing is lost by it.
    if (forgotten === null) return { events: [], devices: [] };
    const edge = this.#edge(name);
    const at = edge.timeOf(receivedAt, past);
    const devices = device === null ? edge.devicesAt(at) : [];
    this.#add(name, device, { at, table: null, bdSeq });
    if (device === null && !past) edge.end();
    return { events: [...forgotten, { ...event, receivedAt: at }], devices };
  }

  /** Whether the death of this session overtook its birth, which was received at `receivedAt`. */
  wasOvertaken({ edge: name }: Place, receivedAt: number, past: boolean, bdSeq: number | null): boolean {
    const edge = this.#edges.get(name);
    if (edge === undefined || bdSeq === null) return false;
    if (past && edge.find(null, receivedAt, null, bdSeq) !== undefined) return true;
    const since = receivedAt - (edge.stray?.at ?? Number.NaN);
    return edge.stray?.bdSeq === bdSeq && since >= 0 && since < OVERTAKEN;
  }

  /** Follows the sequence numbers of messages as they come. */
  follow({ type, edge: name }: SparkplugTopic, seq: number | null, receivedAt: number): void {
    const edge = this.#edges.get(name);
    if (edge === undefined || type === 'NDEATH') return;
    if (type === 'NBIRTH') {
      edge.wantedSince = null;
      edge.sequence.begin(seq ?? 0);
      return;
    }
    if (seq === null) return;
    // After a start nobody can tell what was missed.
    if (!edge.sequence.isFollowed && edge.isAlive) edge.wantedSince ??= receivedAt;
    if (!edge.sequence.take(seq, receivedAt)) this.counts.reordered++;
  }

  /** A message cannot be read by any birth that is known. */
  want(name: string, receivedAt: number): void {
    if (!this.#edges.has(name) && this.#makeRoom(1, 0, name, receivedAt) === null) return;
    this.#edge(name).wantedSince ??= receivedAt;
  }

  /** To be called every second or so; `patience`: microseconds in which messages may come out of order. */
  look(now: number, patience: number): EdgeNews {
    const gaps = new Map<string, number>();
    const wanted: { edge: string; since: number }[] = [];
    for (const [name, edge] of this.#edges) {
      const missing = edge.sequence.giveUp(now, patience);
      if (missing > 0) {
        this.counts.missing += missing;
        gaps.set(name, missing);
        edge.wantedSince ??= now - patience;
      }
      const since = edge.wantedSince;
      if (since !== null && now - since >= patience) wanted.push({ edge: name, since });
    }
    return { gaps, wanted };
  }

  #edge(name: string): EdgeNode {
    let edge = this.#edges.get(name);
    if (edge === undefined) {
      edge = new EdgeNode();
      this.#edges.set(name, edge);
      this.#nodes += edge.nodes;
    }
    return edge;
  }

  #add(name: string, device: string | null, turn: Turn): void {
    const edge = this.#edge(name);
    const before = edge.nodes;
    this.#release(edge.add(device, turn));
    this.#nodes += edge.nodes - before;
  }

  #intern(table: BirthTable): BirthTable {
    let entry = this.#tables.get(table.digest);
    if (entry === undefined) {
      entry = { table, uses: 0 };
      this.#tables.set(table.digest, entry);
      this.#metrics += table.size;
    }
    entry.uses++;
    return entry.table;
  }

  #release(tables: readonly BirthTable[]): void {
    for (const table of tables) {
      const entry = this.#tables.get(table.digest);
      if (entry === undefined || --entry.uses > 0) continue;
      this.#tables.delete(table.digest);
      this.#metrics -= table.size;
    }
  }

  /** Forgets edge nodes that died, the longest ago first; null where that is not enough. */
  #makeRoom(nodes: number, metrics: number, except: string, now: number): EdgeEvent[] | null {
    const forgotten: EdgeEvent[] = [];
    const lacks = () =>
      this.#nodes + nodes > this.#limits.nodes || this.#metrics + metrics > this.#limits.metrics;
    // By far the most often nothing is new.
    if ((nodes === 0 && metrics === 0) || !lacks()) return forgotten;
    const gone = [...this.#edges].filter(([name, edge]) => name !== except && !edge.isAlive);
    for (const [name, edge] of gone.sort(([, one], [, other]) => one.lastAt - other.lastAt)) {
      this.#edges.delete(name);
      this.#nodes -= edge.nodes;
      this.#release(edge.clear());
      if (edge.lastAt > 0)
        forgotten.push({
          edge: name,
          device: null,
          kind: 'forgotten',
          receivedAt: now,
          bdSeq: null,
          definition: null,
        });
      if (!lacks()) return forgotten;
    }
    return null;
  }
}
