import { readdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { brokerOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import type { Ingest } from '../ingest.ts';
import { forgetSession } from '../mqtt/probe.ts';
import { BalanceSheet } from '../pipeline/balance-sheet.ts';
import type { IngestStats, Logger, PipelineState } from '../pipeline/types.ts';
import type { EngineName } from '../postgres/engine-choice.ts';
import type { KnownWorker, WorkerRows } from '../postgres/worker-rows.ts';
import type { Secrets } from '../secrets.ts';
import { workerConfig, workerFolder, workerIds, workerNumber } from './identity.ts';

export interface FormerParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly rows: WorkerRows;
  /** Of a worker's configuration. */
  readonly ingest: (config: Config) => Ingest;
  readonly onFatal: (error: TidegateError) => void;
}

/** Milliseconds between two looks whether a worker has nothing left. */
const LOOK = 500;
/** Milliseconds that one look waits for the broker. */
const PATIENCE = 10_000;

/**
 * Workers of an earlier life, beyond `ingest.workers` of this one. A broker goes on dealing messages to the session of a
 * member that is away, and what lies in a spool has been acknowledged: so each is taken up once more, asks for nothing any
 * more, stores what is left, and its session ends. All that beside the daemon's own work, as it may take long.
 */
export class Former {
  readonly #parts: FormerParts;
  readonly #stopping = new AbortController();
  /** What those stored that have nothing left; they stay in the account. */
  #settled: readonly IngestStats[] = [];
  #left: readonly number[] = [];
  readonly #ingests: Ingest[] = [];
  /** The one that is at work. */
  #active: Ingest | null = null;
  #retiring: Promise<void> = Promise.resolve();

  constructor(parts: FormerParts) {
    this.#parts = parts;
  }

  /** What those hold that are taken up once more. */
  get states(): readonly PipelineState[] {
    return this.#ingests.flatMap(({ pipeline }) => pipeline ?? []);
  }

  get settled(): readonly IngestStats[] {
    return this.#settled;
  }

  /** Finds them, before anything is subscribed. Rejects with a TidegateError. */
  async find(): Promise<void> {
    const { config, rows } = this.#parts;
    const { client_id: clientId, share_group: group } = config.mqtt;
    const beyond = (number: number | null) => number !== null && number > config.ingest.workers;
    const known = (await rows.known(workerIds(clientId))).filter((worker) =>
      beyond(workerNumber(clientId, worker.clientId)),
    );
    const numberOf = (worker: KnownWorker) => workerNumber(clientId, worker.clientId) as number;
    const left = new Set([
      ...known.filter(({ session }) => session).map(numberOf),
      ...(await foldersOf(config.spool.path)).filter(beyond),
    ]);
    if (left.size > 0 && group === null) {
      throw new TidegateError(
        'worker_left',
        `the broker still deals messages of a share group to worker ${[...left].join(' and ')} of before`,
      );
    }
    this.#settled = known
      .filter((worker) => !left.has(numberOf(worker)))
      .map(({ since, totals }) => new BalanceSheet(since, totals).snapshot());
    this.#left = [...left].sort((one, other) => one - other);
  }

  /** Begins with what was found. */
  start(engine: EngineName): void {
    const { onFatal } = this.#parts;
    this.#retiring = this.#retireAll(engine).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) onFatal(described(error));
    });
  }

  /** Leaves them as they are: the next start goes on. Resolves to whether all that is in hand was written. */
  async stop(signal: AbortSignal): Promise<boolean> {
    this.#stopping.abort();
    const drained = (await this.#active?.stop(signal)) ?? true;
    // The broker may be away at the very end of one: the next start ends its session.
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#retiring, aborted]);
    return drained;
  }

  async #retireAll(engine: EngineName): Promise<void> {
    for (const number of this.#left) {
      if (this.#stopping.signal.aborted) return;
      await this.#retire(number, engine);
    }
  }

  async #retire(number: number, engine: EngineName): Promise<void> {
    const { config, secrets, logger, rows, ingest: make } = this.#parts;
    const { signal } = this.#stopping;
    const own = workerConfig(config, number);
    logger.info(
      { worker: number },
      'A worker of before is beyond ingest.workers: what is left of it is stored',
    );
    const ingest = make(own);
    this.#ingests.push(ingest);
    this.#active = ingest;
    await ingest.start(engine);
    await ingest.unsubscribe();
    for (let empty = false; !empty; ) {
      empty = await Promise.race([ingest.isEmpty(), delay(PATIENCE, false, { signal })]);
      if (!empty) await delay(LOOK, undefined, { signal });
    }
    this.#active = null;
    if (!(await ingest.stop(signal))) return;
    await forgetSession({
      ...brokerOptions(own, secrets),
      filters: [],
      logger,
      observer: { dropped: () => {}, resent: () => {} },
      onFatal: () => {},
    });
    await rows.forget(own.mqtt.client_id);
    if (own.spool.path !== null) await rm(own.spool.path, { recursive: true, force: true });
    logger.info(
      { worker: number },
      'Nothing is left of a worker of before: its session at the broker is ended',
    );
  }
}

/** The numbers of the workers that have a folder there. */
async function foldersOf(spool: string | null): Promise<number[]> {
  if (spool === null) return [];
  const names = await readdir(spool).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new TidegateError('spool_unusable', `${spool}: ${error.message}`, { cause: error });
  });
  const beginning = workerFolder('', 0).slice(0, -1);
  return names
    .filter((name) => name.startsWith(beginning) && /^[1-9]\d*$/.test(name.slice(beginning.length)))
    .map((name) => Number(name.slice(beginning.length)));
}

function described(error: unknown): TidegateError {
  if (error instanceof TidegateError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new TidegateError('worker_left', `what is left of a worker of before cannot be stored: ${text}`, {
    cause: error,
  });
}
