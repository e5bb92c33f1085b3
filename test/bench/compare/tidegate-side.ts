/** The daemon, as it is by default, with routes for one prefix and a database of its own; the scheduler is on. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { addresses } from '../../support/program.ts';
import { freshDatabase } from '../database.ts';
import type { Flow } from '../flow-shapes.ts';
import { memoryOf } from '../processes.ts';
import type { Flows } from '../flows.ts';
import { type Ground, measured, type Run, type Side } from './side.ts';

/** As its service unit has it. */
const UNIT_ENV = { MALLOC_ARENA_MAX: '2' };
/** A batch's counts commit with its rows: cheap to ask, and true. */
const DECODED = `SELECT ((SELECT coalesce(sum(points_decoded), 0) FROM tidegate.ingest_totals)
  + (SELECT coalesce(sum(points_decoded), 0) FROM tidegate.batches))::float8 AS points`;
/** Milliseconds between two questions. */
const POLL = 20;
const GIVE_UP = 60_000;
/** Milliseconds between two looks at its memory. */
const LOOK = 250;

export class Tidegate {
  readonly prefix: string;
  readonly client: Client;
  readonly daemon: Daemon;
  readonly #ground: Ground;
  readonly #memory: number[] = [];
  /** Points that were published, and those among them that are new. */
  #published = 0;
  #distinct = 0;
  /** Milliseconds since 1970 of the first that was published. */
  #first = Infinity;

  constructor(ground: Ground, prefix: string, daemon: Daemon, client: Client) {
    this.prefix = prefix;
    this.#ground = ground;
    this.daemon = daemon;
    this.client = client;
  }

  async store(flow: Flow, isRepeated = false): Promise<Run> {
    const points = flow.count * flow.points;
    this.#published += points;
    if (!isRepeated) this.#distinct += points;
    this.#first = Math.min(this.#first, flow.first);
    return await measured(this.#ground, flow, this.daemon.pid, () => this.#settled());
  }

  /** Throws where the rows in `iot_data` are not the points that were published, each once; older ones are not looked at. */
  async verify(): Promise<void> {
    const { rows } = await this.client.query<{ n: number }>(
      'SELECT count(*)::float8 AS n FROM iot_data WHERE "timestamp" >= $1',
      [new Date(this.#first)],
    );
    if (rows[0]?.n === this.#distinct) return;
    const account = JSON.stringify(await this.daemon.stats());
    throw new Error(`iot_data has ${rows[0]?.n} points, ${this.#distinct} were published: ${account}`);
  }

  watchMemory(): void {
    const timer = setInterval(() => this.#memory.push(memoryOf(this.daemon.pid).now), LOOK);
    this.#ground.started.defer(() => clearInterval(timer));
  }

  /** Resident, MiB: the medians of the first and of the last quarter of the looks, and the peak. */
  memory(): { readonly first: number; readonly last: number; readonly peak: number } {
    const quarter = Math.ceil(this.#memory.length / 4);
    const middle = (looks: readonly number[]) => [...looks].sort((a, b) => a - b)[looks.length >> 1] ?? NaN;
    return {
      first: middle(this.#memory.slice(0, quarter)),
      last: middle(this.#memory.slice(-quarter)),
      peak: memoryOf(this.daemon.pid).peak,
    };
  }

  async #settled(): Promise<void> {
    let moved = performance.now();
    for (let before = -1; ; ) {
      const { rows } = await this.client.query<{ points: number }>(DECODED);
      const points = rows[0]?.points ?? 0;
      if (points >= this.#published) return;
      if (points !== before) moved = performance.now();
      before = points;
      if (performance.now() - moved > GIVE_UP) {
        const account = JSON.stringify(await this.daemon.stats());
        throw new Error(`${points} of ${this.#published} points, and no more: ${account}`);
      }
      await delay(POLL);
    }
  }
}

export async function startTidegate(
  ground: Ground,
  prefix: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Tidegate> {
  const { url, client } = await freshDatabase(ground.postgres.url, prefix);
  ground.started.defer(() => client.end());
  const routes = [{ topic: `${prefix}/{device_id}/{metric_name}` }, { topic: `${prefix}/{device_id}` }];
  const daemon = ground.started.use(
    await startDaemon({
      env: { ...addresses(ground.broker, url), ...UNIT_ENV, ...env },
      config: JSON.stringify({ mqtt: { client_id: prefix }, routes }),
    }),
  );
  // In good order, so that `NODE_OPTIONS=--cpu-prof` has its profile.
  ground.started.defer(async () => void (await daemon.stop()));
  ground.processes.push(daemon.pid);
  const tidegate = new Tidegate(ground, prefix, daemon, client);
  tidegate.watchMemory();
  return tidegate;
}

/** `change`: how its flows differ from those that others get. */
export function tidegateSide(
  tidegate: Tidegate,
  flows: Flows,
  count: number,
  { name = 'Tidegate', change = {} }: { name?: string; change?: Partial<Flow> } = {},
): Side {
  return { name, run: () => tidegate.store({ ...flows.next(count), ...change }) };
}
