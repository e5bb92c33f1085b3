import type { Config } from './config/load.ts';
import type { TidegateError } from './errors.ts';
import type { AccountWanted, Check } from './http/ports.ts';
import { Ingest } from './ingest.ts';
import type { IngestStats, Logger, PipelineObserver, PipelineState } from './pipeline/types.ts';
import type { AccountDetail } from './postgres/account.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import type { Secrets } from './secrets.ts';
import type { Seams } from './seams.ts';
import { Watching, type WatchingParts } from './watching.ts';

export interface ReceivingParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly version: string;
  readonly observer: PipelineObserver;
  readonly watchObserver: WatchingParts['observer'];
  readonly onFatal: (error: TidegateError) => void;
  readonly seams: Partial<Seams> | undefined;
}

/** The component `ingest` with all that belongs to it: also the devices that its messages come from. */
export class Receiving {
  readonly ingest: Ingest;
  readonly #watching: Watching;

  constructor(parts: ReceivingParts) {
    this.#watching = new Watching({ ...parts, observer: parts.watchObserver });
    this.ingest = new Ingest({ ...parts, watching: this.#watching });
  }

  /** What the pipeline holds; null before it runs. */
  get state(): PipelineState | null {
    return this.ingest.pipeline;
  }

  get devices(): ReturnType<Watching['state']> {
    return this.#watching.state();
  }

  get checks(): Readonly<Record<string, Check>> {
    return this.ingest.ready().checks;
  }

  /** The account as it is now; null before there is one. Rejects with a TidegateError. */
  async account(wanted: AccountWanted): Promise<(IngestStats & AccountDetail) | null> {
    const own = this.ingest.pipeline;
    if (own === null) return null;
    // The sheet alone is there without the database too.
    const isDetailed = Object.values(wanted).some((limit) => limit > 0);
    return { ...own.stats, ...(isDetailed && (await this.ingest.account(wanted))) };
  }

  /** The database must be migrated, for `engine`. Resolves once messages are received. Rejects with a TidegateError. */
  async start(engine: EngineName): Promise<void> {
    await this.ingest.start(engine);
  }

  /** Resolves to whether all that was in hand is written, before `signal` aborted that. */
  async stop(signal: AbortSignal): Promise<boolean> {
    return await this.ingest.stop(signal);
  }
}
