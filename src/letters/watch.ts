import type { Config } from '../config/load.ts';
import type { Batch, Logger, PipelineObserver, WriteReport } from '../pipeline/types.ts';
import { UNMOVED } from '../pipeline/unmoved.ts';
import { DeadLetterLimit, LETTER_OVERHEAD } from '../postgres/dead-letter-limit.ts';
import { schemaNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';
import type { Secrets } from '../secrets.ts';

/** Milliseconds between two looks while few come. */
const INTERVAL = 60_000;

/** What dead letters take; `deleted` counts those that this process deleted to stay within the limit. */
export interface LetterWatchState {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly deleted: number;
}

/**
 * Keeps dead letters within dead_letters.max_bytes: looks every minute, and as soon as a tenth of it has come, or what is
 * left of it where that is less.
 */
export class LetterWatch {
  readonly #config: Config;
  readonly #secrets: Secrets;
  readonly #logger: Logger;
  readonly #limit: DeadLetterLimit;
  #state: LetterWatchState | null = null;
  #arrived = 0;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  readonly #stopped = new AbortController();

  constructor(config: Config, secrets: Secrets, logger: Logger) {
    this.#config = config;
    this.#secrets = secrets;
    this.#logger = logger;
    const names = schemaNames(config.database.schema);
    this.#limit = new DeadLetterLimit(names, config.dead_letters.max_bytes, () => performance.now());
  }

  /** As of the last look; null before the first. */
  get state(): LetterWatchState | null {
    return this.#state;
  }

  readonly observer: PipelineObserver = {
    ...UNMOVED,
    committed: (batch, report) => this.#came(batch, report),
  };

  start(): void {
    this.#timer = setInterval(() => this.#look(), INTERVAL);
    this.#look();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#looking;
  }

  #came({ deadLetters, deliveries, bytes }: Batch, { refused }: WriteReport): void {
    for (const { messageIndex } of [...deadLetters, ...refused]) {
      const delivery = deliveries[messageIndex];
      // The memory of a payload that is acknowledged may be gone: then at most what the batch held.
      const size = delivery?.payload.byteLength || bytes;
      this.#arrived += size + (delivery?.topic.length ?? 0) + LETTER_OVERHEAD;
    }
    const { max_bytes: max } = this.#config.dead_letters;
    const room = max - (this.#state?.bytes ?? 0);
    if (this.#arrived >= Math.max(max / 100, Math.min(max / 10, room))) this.#look();
  }

  #look(): void {
    if (this.#looking !== null || this.#stopped.signal.aborted) return;
    this.#arrived = 0;
    this.#looking = this.#enforce()
      .catch((error: unknown) => {
        this.#logger.debug({ error }, 'The size of the dead letters could not be looked at');
      })
      .finally(() => {
        this.#looking = null;
      });
  }

  async #enforce(): Promise<void> {
    const { database, dead_letters: deadLetters } = this.#config;
    const connection = {
      url: this.#secrets.databaseUrl,
      statementTimeout: database.statement_timeout,
      applicationName: 'tidegate dead-letters limit',
    };
    const report = await withConnection(
      connection,
      (client) => this.#limit.enforce(client),
      this.#stopped.signal,
    );
    const { bytes, letters, freed } = report;
    this.#state = {
      bytes,
      maxBytes: deadLetters.max_bytes,
      deleted: (this.#state?.deleted ?? 0) + letters,
    };
    if (letters === 0) return;
    this.#logger.warn(
      { letters, bytes: freed, max_bytes: deadLetters.max_bytes },
      `Dead letters reached dead_letters.max_bytes: the ${letters} oldest were deleted`,
    );
  }
}
