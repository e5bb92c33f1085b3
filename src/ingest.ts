import {
  JOURNAL_STAYS,
  brokerOptions,
  decodeLimits,
  pipelineOptions,
  readsSparkplug,
  sinkOptions,
  victronOptions,
} from './app-options.ts';
import type { Config } from './config/load.ts';
import { createDecoder } from './decode/decoder.ts';
import { SwitchedDecoder } from './decode/switched-decoder.ts';
import { EdgeWatching, type EdgeState } from './edge-watching.ts';
import { TidegateError, WriteError } from './errors.ts';
import { LetterWatch, type LetterWatchState } from './letters/watch.ts';
import { Subscriber } from './mqtt/subscriber.ts';
import { VictronKeepalive } from './mqtt/victron-keepalive.ts';
import { BalanceSheet } from './pipeline/balance-sheet.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { imbalanceOf } from './pipeline/self-check.ts';
import type { Spool } from './pipeline/spool-types.ts';
import type {
  DeviceObserver,
  Logger,
  PipelineObserver,
  PipelineState,
  SessionStore,
} from './pipeline/types.ts';
import { type AccountDetail, type AccountQuery, accountDetail } from './postgres/account.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import { PostgresDeviceStates } from './postgres/device-states.ts';
import { PostgresSink } from './postgres/sink.ts';
import { NOTHING_HELD } from './postgres/sink-options.ts';
import { readiness } from './readiness.ts';
import type { Secrets } from './secrets.ts';
import { NO_SEAMS, type Seams } from './seams.ts';
import type { FileSpool } from './spool/file-spool.ts';
import { openSpool } from './spool/open.ts';
import { spooledEntries, spooledSessions } from './spooled-sessions.ts';
import { tellAll } from './telemetry/observers.ts';
import { unitLog } from './telemetry/unit-log.ts';
import type { Topics } from './devices/topics.ts';
import type { Voice } from './mqtt/voice.ts';
import type { Watching } from './watching.ts';
import { workerIds } from './workers/identity.ts';
import { YoungGarbage } from './young-garbage.ts';

/** Who is told of the devices, and what is said aloud by the connection that receives; null: nothing. */
export interface Watch extends Pick<Watching, 'start' | 'save' | 'stop'> {
  readonly devices: DeviceObserver | undefined;
  readonly topics: Pick<Topics, 'isOwn'>;
  readonly voice: Voice | null;
}

export interface IngestParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly observer: PipelineObserver;
  readonly watching: Watch;
  readonly onFatal: (error: TidegateError) => void;
  readonly seams?: Partial<Seams> | undefined;
}

/** Milliseconds between two folds of the journal, which also prove that the database can be written to. */
const MAINTENANCE = 5_000;
/** Milliseconds for one fold: a connection that hangs must not hold the next one up. */
const FOLDING = 30_000;
/** The same for the last one. */
const FAREWELL = 2_000;

/** The component `ingest`: broker, pipeline and sink, started in this order and stopped in the other. */
export class Ingest {
  readonly #parts: IngestParts;
  readonly #letters: LetterWatch;
  /** Null where no route reads Sparkplug. */
  readonly #edges: EdgeWatching | null;
  #sink: PostgresSink | null = null;
  #subscriber: Subscriber | null = null;
  #decoder: SwitchedDecoder | null = null;
  #pipeline: Pipeline | null = null;
  #spool: Spool | null = null;
  #keepalive: VictronKeepalive | null = null;
  #maintaining = false;
  #timer: NodeJS.Timeout | null = null;
  /** Checks of the account that failed. */
  #imbalances = 0;
  #isBalanced = true;
  /** Why the database cannot be written to, where it cannot. */
  #databaseFault: string | null = null;

  constructor(parts: IngestParts) {
    this.#parts = parts;
    const { config, secrets, logger } = parts;
    this.#letters = new LetterWatch(config, secrets, logger);
    this.#edges = readsSparkplug(config) ? new EdgeWatching(config, secrets, logger) : null;
  }

  get pipeline(): PipelineState | null {
    return this.#pipeline?.state() ?? null;
  }
  get broker(): ReturnType<Subscriber['state']> | null {
    return this.#subscriber?.state() ?? null;
  }
  get series(): number | null {
    return this.#pipeline?.knownSeries ?? null;
  }
  get deadLetters(): LetterWatchState | null {
    return this.#letters.state;
  }

  get edges(): EdgeState | null {
    return this.#edges?.state ?? null;
  }

  /** Checks of the account that found that it does not add up. */
  get imbalances(): number {
    return this.#imbalances;
  }

  /** Rejects with a TidegateError. */
  async account(wanted: AccountQuery): Promise<AccountDetail> {
    const { database, mqtt } = this.#parts.config;
    const clientId = mqtt.client_id;
    const names = { schema: database.schema, clientId, workers: workerIds(clientId) };
    return (await this.#sink?.lend((client) => accountDetail(client, names, wanted)).catch(rethrown)) ?? {};
  }

  /** The database must be migrated, for `engine`. Resolves once subscribed. */
  async start(engine: EngineName): Promise<void> {
    const { config, secrets, logger, observer, watching, onFatal } = this.#parts;
    const seams = { ...NO_SEAMS, ...this.#parts.seams };
    const decoder = createDecoder(config.routes, decodeLimits(config), this.#edges?.edges);
    const switched = new SwitchedDecoder(decoder, () => this.#oldOnesCome);
    const files = await this.#openSpool();
    this.#spool = files && seams.spool(files);
    const sink = new PostgresSink({
      ...sinkOptions(config, engine, secrets),
      foldAfter: JOURNAL_STAYS,
      connect: seams.connect,
      onUnitChange: unitLog(logger, () => performance.now()),
    });
    this.#sink = sink;
    const { since, totals } = await sink.totals().catch(rethrown);
    // What the spool holds may have been committed by an earlier life, and is looked up before it is written.
    const earlier = this.#spool !== null && this.#spool.state.batches > 0;
    await sink.maintain(() => ({ records: new Set(), earlier })).catch(rethrown);
    await this.#edges?.restore(sink, files?.survey() ?? null, decoder).catch(rethrown);
    const subscriber = new Subscriber({
      ...brokerOptions(config, secrets),
      filters: decoder.filters(),
      sessions: config.ingest.ledger ? await this.#sessions(sink, files) : null,
      ...(watching.voice !== null && { voice: watching.voice }),
      isOwn: watching.topics.isOwn,
      logger,
      observer: {
        dropped: (reason, count) => {
          for (let index = 0; index < count; index++) pipeline.skip(reason);
        },
        resent: () => pipeline.skip('resent'),
      },
      onFatal,
    });
    const source = seams.source(subscriber);
    const pipeline = new Pipeline(
      {
        source,
        decoder: seams.decoder(switched),
        sink: seams.sink(sink),
        spool: this.#spool && { spool: this.#spool, beginEpoch: (epoch) => sink.sessions.begin(epoch) },
        sheet: new BalanceSheet(since, totals, this.#spool?.state),
        observer: tellAll(
          observer,
          this.#databaseWatch(),
          this.#letters.observer,
          ...(this.#edges === null ? [] : [this.#edges.observer]),
        ),
        ...(watching.devices && { devices: this.#edges?.heardBy(watching.devices) ?? watching.devices }),
        logger,
        onFatal: (error) => onFatal(describeFatal(error)),
      },
      pipelineOptions(config),
    );
    this.#pipeline = pipeline;
    this.#subscriber = subscriber;
    this.#decoder = switched;
    const states = new PostgresDeviceStates(sinkOptions(config, engine), (work) => sink.lend(work));
    await watching.start(states, () => listening(subscriber, pipeline)).catch(rethrown);
    this.#timer = setInterval(() => void this.#maintain(FOLDING), MAINTENANCE);
    pipeline.start();
    this.#letters.start();
    this.#edges?.start();
    const garbage = new YoungGarbage();
    await source.start((delivery) => {
      pipeline.receive(delivery);
      garbage.received(delivery.payload.byteLength);
    });
    // What it asks for must find us subscribed.
    const victron = victronOptions(config, secrets);
    this.#keepalive = victron && new VictronKeepalive({ ...victron, logger });
    this.#keepalive?.start();
  }

  /**
   * Goes by other routes from now on, and subscribes what they want. Rejects with a TidegateError: `config_invalid`, or
   * `subscription_refused`, where the broker grants no such subscription; then all is as before.
   */
  async reload(config: Config): Promise<void> {
    const [decoder, subscriber] = [this.#decoder, this.#subscriber];
    if (decoder === null || subscriber === null) return;
    const before = decoder.present;
    const next = createDecoder(config.routes, decodeLimits(config), this.#edges?.edges, before);
    // Their messages come as soon as the broker has read what we want.
    decoder.replace(next);
    try {
      await subscriber.resubscribe(next.filters());
    } catch (error) {
      decoder.replace(before);
      throw error;
    }
    this.#edges?.reload(config);
  }

  /** Asks the broker for no messages any more; those that it holds for us still come. */
  async unsubscribe(): Promise<void> {
    await this.#subscriber?.resubscribe([]);
  }

  /**
   * After `unsubscribe`: whether nothing of ours is at the broker, in hand or in the spool, and so can be any more.
   * Resolves once the broker has told, however long it is away.
   */
  async isEmpty(): Promise<boolean> {
    const [subscriber, pipeline] = [this.#subscriber, this.#pipeline];
    if (subscriber === null || pipeline === null) return true;
    const held = (): number | null => {
      const { received, in_flight: inFlight, spooled } = pipeline.state().stats.messages;
      return inFlight + spooled === 0 ? received : null;
    };
    const before = held();
    if (before === null || !subscriber.aligned || !subscriber.state().subscribed) return false;
    await subscriber.emptied();
    return held() === before;
  }

  /** Whether messages may come that routes before the latest reload were subscribed for: from the broker, or the spool. */
  get #oldOnesCome(): boolean {
    return this.#subscriber?.aligned === false || (this.#spool?.state.batches ?? 0) > 0;
  }

  ready(): ReturnType<typeof readiness> {
    return readiness(this.broker, this.#databaseFault, this.pipeline, Date.now() * 1000);
  }

  /** Takes no more, writes and acknowledges what is in hand. Resolves to whether all of it was. */
  async stop(signal: AbortSignal): Promise<boolean> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#keepalive?.stop();
    await this.#subscriber?.stopReceiving();
    const drained = (await this.#pipeline?.drain(signal)) ?? true;
    await this.#subscriber?.close();
    this.#parts.watching.stop();
    if (drained && this.#databaseFault === null) await this.#maintain(FAREWELL);
    await this.#sink?.close();
    await this.#spool?.close();
    await this.#letters.stop();
    await this.#edges?.stop();
    return drained;
  }

  async #openSpool(): Promise<FileSpool | null> {
    const { config, logger } = this.#parts;
    const { path, max_bytes: maxBytes, on_full: onFull } = config.spool;
    return path === null ? null : await openSpool({ path, maxBytes, onFull, logger });
  }

  /** Where a message is known that the broker sends again: the database, and what lies in the spool. */
  async #sessions(sink: PostgresSink, files: FileSpool | null): Promise<SessionStore> {
    const stored = { ...sink.sessions, load: () => sink.sessions.load().catch(rethrown) };
    if (files === null || this.#spool === null) return stored;
    const left = await spooledEntries(files.survey());
    return spooledSessions(stored, this.#spool, left, () => this.#pipeline?.drainSpool());
  }

  /** `limit`: milliseconds. */
  async #maintain(limit: number): Promise<void> {
    if (this.#maintaining) return;
    this.#maintaining = true;
    const held = () => this.#pipeline?.heldRows ?? NOTHING_HELD;
    try {
      await this.#sink?.maintain(held, AbortSignal.timeout(limit));
      await this.#parts.watching.save();
      this.#databaseFault = null;
      await this.#checkAccount();
    } catch (error) {
      this.#databaseFault = error instanceof Error ? error.message : String(error);
      this.#parts.logger.debug({ error }, 'The journal could not be folded');
      if (error instanceof WriteError && error.action === 'stop') this.#parts.onFatal(describeFatal(error));
    } finally {
      this.#maintaining = false;
    }
  }

  /** Holds the sheet against itself and against what the database says was committed. */
  async #checkAccount(): Promise<void> {
    const [sink, pipeline] = [this.#sink, this.#pipeline];
    if (sink === null || pipeline === null) return;
    const { stats: before, untold } = pipeline.state();
    const { totals } = await sink.totals();
    const imbalance = imbalanceOf(before, totals, pipeline.state().stats, untold);
    if (imbalance !== null) this.#imbalances++;
    // One line when it begins: it does not mend itself.
    if (imbalance !== null && this.#isBalanced) {
      this.#parts.logger.error(imbalance, 'The balance sheet does not add up: please report it');
    }
    this.#isBalanced = imbalance === null;
  }

  #databaseWatch(): PipelineObserver {
    return {
      sealed: () => {},
      committed: () => {
        this.#databaseFault = null;
      },
      writeFailed: (error) => {
        if (error.action !== 'isolate') this.#databaseFault = error.message;
      },
      dropped: () => {},
      deadLettered: () => {},
      spooled: () => {},
      spoolFailed: () => {},
    };
  }
}

/** Which connection messages can come by; null where they cannot, or wait somewhere. */
function listening(subscriber: Subscriber, pipeline: Pipeline): number | null {
  const { subscribed, reconnects } = subscriber.state();
  return subscribed && pipeline.state().pressure === 'open' ? reconnects : null;
}

/** What ended the pipeline, as an error with a code. */
function describeFatal(error: unknown): TidegateError {
  if (error instanceof TidegateError) return error;
  if (error instanceof WriteError && error.cause instanceof TidegateError) return error.cause;
  const text = error instanceof Error ? error.message : String(error);
  const privilege = error instanceof WriteError && error.sqlstate === '42501';
  return new TidegateError(privilege ? 'database_privilege' : 'schema_missing', text, { cause: error });
}

function rethrown(error: unknown): never {
  throw error instanceof WriteError && error.action === 'retry'
    ? new TidegateError('database_unreachable', error.message, { cause: error })
    : describeFatal(error);
}
