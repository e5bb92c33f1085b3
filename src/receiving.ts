import type { Config } from './config/load.ts';
import type { TidegateError } from './errors.ts';
import type { AccountWanted, Check } from './http/ports.ts';
import { Ingest, type Watch } from './ingest.ts';
import type { IngestStats, Logger, PipelineObserver, PipelineState } from './pipeline/types.ts';
import type { AccountDetail } from './postgres/account.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import type { Secrets } from './secrets.ts';
import type { Seams } from './seams.ts';
import type { Standstill } from './systemd/progress.ts';
import { topicsOf, Watching, type WatchingParts } from './watching.ts';
import { Crew } from './workers/crew.ts';
import { Hearing } from './workers/hearing.ts';
import type { Heard } from './workers/messages.ts';
import type { SpawnWorker } from './workers/team.ts';

export interface ReceivingParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly version: string;
  readonly observer: PipelineObserver;
  readonly watchObserver: WatchingParts['observer'];
  readonly onFatal: (error: TidegateError) => void;
  /** How further workers are started, where the configuration may want some. */
  readonly spawnWorker: SpawnWorker | undefined;
  /** Client id of the daemon, where this process is a worker of it. */
  readonly worksFor: string | undefined;
  readonly seams: Partial<Seams> | undefined;
}

/** The component `ingest` with all that belongs to it: devices, and, of a daemon, its other workers (ADR 30). */
export class Receiving {
  readonly ingest: Ingest;
  readonly #watch: Watching | Hearing;
  readonly #crew: Crew | null;

  constructor(parts: ReceivingParts) {
    const { config, worksFor, watchObserver, onFatal, spawnWorker } = parts;
    const ingestOf = (own: Config, watching: Watch) => new Ingest({ ...parts, config: own, watching });
    const topics = topicsOf(config, worksFor ?? config.mqtt.client_id);
    this.#watch =
      worksFor === undefined
        ? new Watching({ ...parts, observer: watchObserver })
        : new Hearing(topics, config.devices.max > 0);
    this.ingest = ingestOf(config, this.#watch);
    this.#crew =
      worksFor === undefined
        ? new Crew({
            ...parts,
            spawn: spawnWorker,
            ingest: (own) => ingestOf(own, new Hearing(topics, false)),
            onHeard: (heard) => this.#watch instanceof Watching && this.#watch.hear(heard),
            onFatal,
          })
        : null;
  }

  /** What the pipelines of all workers hold, or of those in this process; null before they run. */
  state(reach: 'process' | 'workers'): PipelineState | null {
    const own = this.ingest.pipeline;
    return own === null || this.#crew === null ? own : this.#crew.state(own, reach);
  }

  /** The devices that are watched here; null where the daemon does it. */
  get devices(): ReturnType<Watching['state']> | null {
    return this.#watch instanceof Watching ? this.#watch.state() : null;
  }

  /** The devices that were heard since this was last asked, for the daemon that watches them. */
  heard(): readonly Heard[] {
    return this.#watch instanceof Hearing ? this.#watch.take() : [];
  }

  get checks(): Readonly<Record<string, Check>> {
    return { ...this.ingest.ready().checks, ...this.#crew?.checks };
  }

  /** What gets on no more in another worker, if anything. */
  get hungWorker(): Standstill | null {
    return this.#crew?.hung ?? null;
  }

  /** The account of all as it is now; null before there is one. Rejects with a TidegateError. */
  async account(wanted: AccountWanted): Promise<(IngestStats & AccountDetail) | null> {
    const own = this.ingest.pipeline;
    if (own === null) return null;
    const stats = this.#crew === null ? own.stats : await this.#crew.stats(own);
    // The sheet alone is there without the database too.
    const isDetailed = Object.values(wanted).some((limit) => limit > 0);
    return { ...stats, ...(isDetailed && (await this.ingest.account(wanted))) };
  }

  /** Of the other workers, for `Metrics.text`. */
  async metrics(): Promise<readonly (readonly object[])[]> {
    return (await this.#crew?.metrics()) ?? [];
  }

  /** Has the other workers read the configuration again. Rejects with `worker_failed`. */
  async reloadWorkers(): Promise<void> {
    await this.#crew?.reload();
  }

  /** The database must be migrated, for `engine`. Resolves once all receive messages. Rejects with a TidegateError. */
  async start(engine: EngineName): Promise<void> {
    await this.#crew?.prepare();
    await Promise.all([this.ingest.start(engine), this.#crew?.start(engine)]);
  }

  /** Resolves to whether all that was in hand is written, before `signal` aborted that. */
  async stop(signal: AbortSignal): Promise<boolean> {
    const ends = await Promise.all([this.ingest.stop(signal), this.#crew?.stop(signal) ?? true]);
    return ends.every(Boolean);
  }
}
