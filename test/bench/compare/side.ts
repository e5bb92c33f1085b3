/** Whoever stores a flow in a comparison, and what a run of one took. */

import type { Client } from 'pg';
import type { TestBroker } from '../../support/broker.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import type { Flow } from '../flow-shapes.ts';
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

/** Points that never came, and the milliseconds that were spent waiting for them after the last that did. */
export interface Stored {
  readonly lost: number;
  readonly waited: number;
}

/** Publishes a flow and measures until `stored` resolves; nothing where all came. `itself`: the process in between. */
export async function measured(
  ground: Ground,
  flow: Flow,
  itself: number | null,
  stored: () => Promise<Stored | void>,
): Promise<Run> {
  await using publishing = await preparePublisher(ground.broker.port, flow);
  await rest(ground);
  const spent = meter(ground, itself);
  const begin = performance.now();
  publishing.begin();
  const { lost, waited } = (await stored()) ?? { lost: 0, waited: 0 };
  const seconds = (performance.now() - begin - waited) / 1000;
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
