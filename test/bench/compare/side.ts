/** Whoever stores a flow in a comparison, and what a run of one took. */

import type { Client } from 'pg';
import type { TestBroker } from '../../support/broker.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { type Flow, type Layout, spanOf } from '../flow-shapes.ts';
import { atRest, cpuOf } from '../processes.ts';
import { preparePublisher } from '../publishing.ts';

/** The processes of a run; `itself` is what stands between the broker and the database. */
export const PARTS = ['publisher', 'broker', 'itself', 'database'] as const;
export type Part = (typeof PARTS)[number];

/** To the last row visible. */
export interface Run {
  /** Null where no messages are sent. */
  readonly messages: number | null;
  readonly points: number;
  readonly seconds: number;
  /** Seconds of CPU. */
  readonly cpu: Readonly<Partial<Record<Part, number>>>;
  /** Points that never came. */
  readonly lost: number;
  /** Seconds until the broker had acknowledged all. */
  readonly published?: number;
}

export interface Side {
  readonly name: string;
  /** Stores the next messages of its flow. Throws where what is stored is not what was sent, and that was promised. */
  run(): Promise<Run>;
}

/** What all sides of a comparison use. */
export interface Ground {
  readonly postgres: TestPostgres;
  readonly broker: TestBroker;
  /** Of the server's superuser. */
  readonly admin: Client;
  /** Those that outlive a run; a side adds its own. */
  readonly processes: number[];
  /** Whatever a side started, ended with the comparison. */
  readonly started: AsyncDisposableStack;
}

export interface FlowShape {
  readonly layout: Layout;
  readonly points: number;
  readonly devices: number;
  readonly step: number;
}

/** Where all flows together are longer than this, in milliseconds, they are of the past and end now: sending takes much less. */
const LIVE = 600_000;

/** One flow after the other: no point of a series comes twice. */
export class Flows {
  readonly #prefix: string;
  readonly #shape: FlowShape;
  readonly #isLive: boolean;
  #from = 0;
  #end: number;

  /** Of `runs` flows of `count` messages. */
  constructor(prefix: string, shape: FlowShape, { count, runs }: { count: number; runs: number }) {
    this.#prefix = prefix;
    this.#shape = shape;
    const span = runs * spanOf({ ...shape, count });
    this.#isLive = span <= LIVE;
    this.#end = Date.now() - (this.#isLive ? 0 : span);
  }

  next(count: number): Flow {
    const first = this.#isLive ? Math.max(this.#end, Date.now()) : this.#end;
    const flow = { prefix: this.#prefix, ...this.#shape, from: this.#from, count, first };
    this.#from += count;
    this.#end = first + spanOf(flow);
    return flow;
  }
}

/** Publishes a flow and measures until `stored` resolves, to the points that never came. `itself`: the process in between. */
export async function measured(
  ground: Ground,
  flow: Flow,
  itself: number | null,
  stored: () => Promise<number>,
): Promise<Run> {
  await using publishing = await preparePublisher(ground.broker.port, flow);
  await rest(ground);
  const spent = meter(ground, itself);
  const begin = performance.now();
  publishing.begin();
  const lost = await stored();
  const seconds = (performance.now() - begin) / 1000;
  const cpu = spent();
  const published = await publishing.finished;
  return {
    messages: flow.count,
    points: flow.count * flow.points - lost,
    seconds,
    cpu: { publisher: published.cpu, ...cpu },
    lost,
    published: published.seconds,
  };
}

/** A checkpoint, and nobody at work: what a side left to do is not done in another's time. */
export async function rest({ admin, postgres, processes }: Ground): Promise<void> {
  await admin.query('CHECKPOINT');
  await atRest([postgres.pid as number, ...processes]);
}

/** Seconds of CPU from now on, when asked. */
export function meter(
  { broker, postgres }: Ground,
  itself: number | null,
): () => Partial<Record<Part, number>> {
  const roots = { broker: broker.pid, database: postgres.pid, itself };
  const read = () =>
    Object.entries(roots).flatMap(([part, pid]) => (pid === null ? [] : [[part, cpuOf(pid)] as const]));
  const before = new Map(read());
  return () => Object.fromEntries(read().map(([part, now]) => [part, now - (before.get(part) ?? 0)]));
}
