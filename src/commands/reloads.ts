import type { App } from '../app.ts';
import { TidegateError } from '../errors.ts';
import type { Supervision } from '../supervision.ts';
import type { createLogger } from '../telemetry/log.ts';
import { describeFailure } from './terminal.ts';

export interface ReloadsParts {
  readonly app: Pick<App, 'reload' | 'reloadWorkers'>;
  readonly logger: ReturnType<typeof createLogger>;
  readonly supervision: Pick<Supervision, 'reloading' | 'reloaded'> | null;
}

/** Reads the configuration again where it is asked to: one time after the other, once for all who ask meanwhile. */
export class Reloads {
  readonly #parts: ReloadsParts;
  #asked = false;
  /** Also before the daemon runs. */
  #busy = true;

  constructor(parts: ReloadsParts) {
    this.#parts = parts;
  }

  ask(): void {
    this.#asked = true;
    if (!this.#busy) void this.#run();
  }

  /** The daemon runs: who asked before waited for it. */
  begin(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#asked) {
      this.#asked = false;
      await this.#reload();
    }
    this.#busy = false;
  }

  async #reload(): Promise<void> {
    const { app, logger, supervision } = this.#parts;
    void supervision?.reloading();
    let stays = 'The configuration stays as it was: ';
    try {
      const { log } = await app.reload();
      logger.level = log.level;
      // From here on it is the new one, for this process.
      stays = '';
      await app.reloadWorkers();
      await supervision?.reloaded(null);
    } catch (error) {
      const text = error instanceof TidegateError ? describeFailure(error) : String(error);
      const reason = text.replace(/^tidegate: /, '');
      logger.error({ error }, stays + reason);
      await supervision?.reloaded(reason);
    }
  }
}
