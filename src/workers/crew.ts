import type { Config } from '../config/load.ts';
import type { TidegateError } from '../errors.ts';
import type { Check } from '../http/ports.ts';
import type { Ingest } from '../ingest.ts';
import type { IngestStats, Logger, PipelineState } from '../pipeline/types.ts';
import type { EngineName } from '../postgres/engine-choice.ts';
import { WorkerRows } from '../postgres/worker-rows.ts';
import type { Secrets } from '../secrets.ts';
import type { Standstill } from '../systemd/progress.ts';
import { Former } from './former.ts';
import { workerId } from './identity.ts';
import { mergedState, mergedStats } from './merged.ts';
import type { Heard } from './messages.ts';
import { type SpawnWorker, Team } from './team.ts';

export interface CrewParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  /** Undefined where there cannot be any: ingest.workers is 1 then. */
  readonly spawn: SpawnWorker | undefined;
  /** Of the configuration of a worker of before, in this process. */
  readonly ingest: (config: Config) => Ingest;
  readonly onHeard: (heard: readonly Heard[]) => void;
  readonly onFatal: (error: TidegateError) => void;
}

/** All that receives and stores for a daemon beside its own ingest: workers of now, and what is left of those of before. */
export class Crew {
  readonly #config: Config;
  readonly #rows: WorkerRows;
  readonly #team: Team;
  readonly #former: Former;

  constructor(parts: CrewParts) {
    const { config, secrets } = parts;
    const spawn = (): ReturnType<SpawnWorker> => {
      if (parts.spawn === undefined) throw new Error('nobody said how a worker is started');
      return parts.spawn();
    };
    const { schema, statement_timeout: statementTimeout } = config.database;
    const clientId = config.mqtt.client_id;
    this.#config = config;
    this.#rows = new WorkerRows({ url: secrets.databaseUrl, schema, statementTimeout, clientId });
    this.#team = new Team({ ...parts, spawn, now: () => performance.now() });
    this.#former = new Former({ ...parts, rows: this.#rows });
  }

  /** Finds what is left of workers of before. The database must be migrated. Rejects with a TidegateError. */
  async prepare(): Promise<void> {
    await this.#former.find();
  }

  /** Resolves once all workers receive messages. Rejects with a TidegateError. */
  async start(engine: EngineName): Promise<void> {
    const { ingest, mqtt } = this.#config;
    this.#former.start(engine);
    if (ingest.workers === 1) return;
    await this.#rows.remember(
      Array.from({ length: ingest.workers - 1 }, (_, index) => workerId(mqtt.client_id, index + 2)),
    );
    await this.#team.start();
  }

  /** What is shown of each worker. */
  get checks(): Readonly<Record<string, Check>> {
    return this.#team.checks;
  }

  /** What gets on no more in a worker, if anything. */
  get hung(): Standstill | null {
    return this.#team.hung;
  }

  /** `own`, with all that happens in this process or, with `workers`, in all of them. */
  state(own: PipelineState, reach: 'process' | 'workers'): PipelineState {
    const workers = reach === 'workers' ? this.#team.states : [];
    const state = mergedState([own, ...this.#former.states, ...workers]);
    return { ...state, stats: mergedStats([state.stats, ...this.#former.settled]) };
  }

  /** The account of all, as it is now. */
  async stats(own: PipelineState): Promise<IngestStats> {
    await this.#team.refresh();
    return this.state(own, 'workers').stats;
  }

  /** Of the workers, for `Metrics.text`. */
  async metrics(): Promise<readonly (readonly object[])[]> {
    return await this.#team.metrics();
  }

  /** Rejects with `worker_failed` where one of them does not go by it. */
  async reload(): Promise<void> {
    await this.#team.reload();
  }

  /** Resolves to whether all that was in hand was written before `signal` aborted that. */
  async stop(signal: AbortSignal): Promise<boolean> {
    const ends = await Promise.all([this.#team.stop(signal), this.#former.stop(signal)]);
    return ends.every(Boolean);
  }
}
