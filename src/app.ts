import { Answering, known } from './answering.ts';
import { certificateFiles, databaseOptions, engineOptions } from './app-options.ts';
import { checkedBrokerTls } from './broker-tls.ts';
import { certificatesOf } from './certificates.ts';
import { ClockWatch } from './clock-watch.ts';
import type { Config } from './config/load.ts';
import type { Engine } from './engines/engine.ts';
import { createEngine } from './engines/open.ts';
import { TidegateError } from './errors.ts';
import { Certificate } from './http/certificate.ts';
import type { AccountWanted, Readiness } from './http/ports.ts';
import type { IngestStats, Logger, PipelineObserver, PipelineState } from './pipeline/types.ts';
import type { AccountDetail } from './postgres/account.ts';
import type { EngineName } from './postgres/engine-choice.ts';
import { prepareDatabase } from './postgres/startup.ts';
import { databaseCheck, schedulerCheck } from './readiness.ts';
import { Receiving } from './receiving.ts';
import { reloadOf } from './reload.ts';
import { Scheduling } from './scheduling.ts';
import { type HeldSecrets, secretsOf } from './secrets.ts';
import type { Seams } from './seams.ts';
import type { Standstill } from './systemd/progress.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { tellAll, tellAllOfJobs } from './telemetry/observers.ts';
import { pipelineLog } from './telemetry/pipeline-log.ts';
import { schedulerLog } from './telemetry/scheduler-log.ts';
import { storedAccount } from './workers/account.ts';
import type { Heard } from './workers/messages.ts';
import type { SpawnWorker } from './workers/team.ts';

export interface AppOptions {
  readonly config: Config;
  /** Reads it again, for the passwords; may throw. Default: they stay as they are. */
  readonly reread?: () => Config;
  readonly logger: Logger;
  readonly version: string;
  /** To be told of what the pipeline does. */
  readonly observer?: PipelineObserver;
  /** How further workers are started, where the configuration may want some. */
  readonly spawnWorker?: SpawnWorker;
  /** Client id of the daemon, where this process is a worker of it. */
  readonly worksFor?: string;
  /** Only tests give some. */
  readonly seams?: Partial<Seams>;
}

/**
 * The composition root: builds the components that the configuration names, hands each its ports, starts them in
 * order and stops them in the other. The daemon, the demo and the tests run this.
 */
export class App {
  readonly #options: AppOptions;
  readonly #secrets: HeldSecrets;
  /** What it goes by now. */
  #config: Config;
  readonly #receiving: Receiving | null;
  readonly #metrics: Metrics;
  readonly #failure = Promise.withResolvers<never>();
  readonly #starting = new AbortController();
  readonly #clock: ClockWatch;
  readonly #answering: Answering | null;
  /** What was started, the latest first. */
  readonly #started: ((signal: AbortSignal) => Promise<boolean>)[] = [];
  #httpUrl: string | null = null;
  #scheduling: Scheduling | null = null;
  #engine: Engine | null = null;

  constructor(options: AppOptions) {
    const { config, logger, version } = options;
    this.#options = options;
    this.#config = config;
    this.#secrets = secretsOf(config, options.reread);
    // Somebody may look only after the failure.
    this.#failure.promise.catch(() => {});
    this.#clock = new ClockWatch(logger);
    const metrics = createMetrics(version, {
      checks: () => this.ready().checks,
      pipeline: () => this.#receiving?.state('process') ?? null,
      broker: () => this.#receiving?.ingest.broker ?? null,
      certificates: () => certificatesOf(this.#config, this.#secrets),
      clockJumps: () => this.#clock.jumps,
      series: () => this.#receiving?.ingest.series ?? null,
      imbalances: () => this.#receiving?.ingest.imbalances ?? null,
      deadLetters: () => this.#receiving?.ingest.deadLetters ?? null,
      queriesUnlogged: () => this.#answering?.unlogged ?? 0,
      devices: () => this.#receiving?.devices ?? null,
      edges: () => this.#receiving?.ingest.edges ?? null,
      scheduler: () => (this.#schedules ? { leading: this.#scheduling?.role === 'leading' } : null),
    });
    this.#answering = config.components.includes('api') ? this.#answeringWith(metrics) : null;
    this.#receiving = config.components.includes('ingest')
      ? new Receiving({
          config,
          secrets: this.#secrets,
          logger,
          version,
          observer: tellAll(
            metrics.observer,
            ...(options.observer === undefined ? [] : [options.observer]),
            ...(this.#answering?.observers ?? []),
            pipelineLog(logger, () => performance.now()),
          ),
          watchObserver: metrics.watchObserver,
          onFatal: (error) => this.#failure.reject(error),
          spawnWorker: options.spawnWorker,
          worksFor: options.worksFor,
          seams: options.seams,
        })
      : null;
    this.#metrics = metrics;
  }

  /** Where HTTP answers; null where it does not. */
  get httpUrl(): string | null {
    return this.#httpUrl;
  }

  /** What the pipelines of all workers hold; null before they run. */
  get pipeline(): PipelineState | null {
    return this.#receiving?.state('workers') ?? null;
  }

  /** What the one of this process holds. */
  get ownPipeline(): PipelineState | null {
    return this.#receiving?.ingest.pipeline ?? null;
  }

  /** What gets on no more in another worker, if anything. */
  get hungWorker(): Standstill | null {
    return this.#receiving?.hungWorker ?? null;
  }

  /** Of a worker: the devices that it heard since it was last asked. */
  heard(): readonly Heard[] {
    return this.#receiving?.heard() ?? [];
  }

  /** Of a worker: what its daemon adds to its own metrics. */
  async metrics(): Promise<readonly object[]> {
    return await this.#metrics.json();
  }

  /** Never resolves; rejects with a TidegateError when the daemon cannot go on. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves once messages are received and HTTP answers. Rejects with a TidegateError; what was started is stopped. */
  async start(): Promise<void> {
    const { config, logger } = this.#options;
    this.#clock.start();
    try {
      if (this.#answering !== null) await this.#listen(this.#answering);
      const database = databaseOptions(config);
      const signal = this.#starting.signal;
      const engine = await prepareDatabase(database, config.startup_timeout, signal, logger);
      this.#schedule(engine);
      if (this.#receiving !== null) {
        const receiving = this.#receiving;
        this.#started.unshift((signal) => receiving.stop(signal));
        await receiving.start(engine);
      }
    } catch (error) {
      await this.stop(AbortSignal.abort());
      throw error;
    }
  }

  /**
   * Reads the configuration again and goes by what can change while it runs; keys of which a restart is needed are logged.
   * Resolves to what it goes by now. Rejects with a TidegateError where it stays with the one before, all of it. One at a
   * time, and not before `start` has resolved.
   */
  async reload(): Promise<Config> {
    const { reread, logger } = this.#options;
    const { config, changed, restart } = reloadOf(this.#config, reread?.() ?? this.#config);
    // What can be wrong is found before anything changes.
    const tls = checkedBrokerTls(config);
    const { cert, key } = certificateFiles(config);
    if (cert !== '') new Certificate({ cert, key }, logger).load();
    if (changed.includes('routes')) await this.#receiving?.ingest.reload(config);
    this.#secrets.renew(tls);
    this.#answering?.reload(config);
    if (this.#engine !== null && changed.some((name) => /^(policies|dead_letters)\./.test(name))) {
      this.#engine = createEngine(engineOptions(config, this.#secrets), this.#engine.name);
      this.#scheduling?.replace(this.#engine.jobs);
    }
    this.#config = config;
    logger.info({ changed }, changedText(changed));
    if (restart.length > 0) {
      const text = `Tidegate must be started anew for ${restart.join(', ')}: until then the values before hold`;
      logger.warn({ restart }, text);
    }
    return config;
  }

  /** Has the other workers do the same. Rejects with `worker_failed` where one of them stays with the one before. */
  async reloadWorkers(): Promise<void> {
    await this.#receiving?.reloadWorkers();
  }

  /** Stops receiving, drains and leaves, until `signal` aborts the draining. Resolves to whether all was written. */
  async stop(signal: AbortSignal): Promise<boolean> {
    this.#clock.stop();
    this.#starting.abort(new TidegateError('drain_incomplete', 'stopped while starting'));
    // What was received goes first, but the jobs end meanwhile.
    this.#scheduling?.halt();
    let drained = true;
    for (const stop of this.#started.splice(0)) drained = (await stop(signal)) && drained;
    return drained;
  }

  #answeringWith(metrics: Metrics): Answering {
    const { config, logger, version } = this.#options;
    return new Answering({
      config,
      secrets: this.#secrets,
      logger,
      version,
      engine: () => this.#engine,
      jobs: () => this.#scheduling,
      own: {
        ready: () => this.ready(),
        metricsText: async () => {
          const body = await metrics.text(await this.#receiving?.metrics());
          return { body, contentType: metrics.contentType };
        },
        ingestStats: (wanted) => this.#ingestStats(wanted),
      },
    });
  }

  async #listen(answering: Answering): Promise<void> {
    this.#started.unshift(async () => {
      await answering.stop();
      return true;
    });
    this.#httpUrl = await answering.start();
  }

  get #schedules(): boolean {
    return this.#options.config.components.includes('scheduler');
  }

  /** The jobs by hand where HTTP answers, and the scheduler where it is asked for. */
  #schedule(name: EngineName): void {
    const { config, logger } = this.#options;
    const engine = createEngine(engineOptions(config, this.#secrets), name);
    this.#engine = engine;
    if (!this.#schedules && this.#answering === null) return;
    const scheduling = new Scheduling({
      config,
      secrets: this.#secrets,
      jobs: engine.jobs,
      observer: tellAllOfJobs(this.#metrics.schedulerObserver, schedulerLog(logger)),
    });
    this.#scheduling = scheduling;
    this.#started.unshift(async (signal) => {
      await scheduling.stop(signal);
      return true;
    });
    if (this.#schedules) scheduling.start();
  }

  /** Whether it does its work now. */
  ready(): Readiness {
    const role = this.#scheduling?.role ?? null;
    const checks = {
      ...this.#receiving?.checks,
      ...(this.#schedules && { scheduler: schedulerCheck(role) }),
      ...(this.#receiving === null && { database: databaseCheck(role) }),
    };
    return { ready: Object.values(checks).every(({ ok }) => ok), checks };
  }

  /** The daemon's own account, or, where another process ingests, what the database knows of it. */
  async #ingestStats(wanted: AccountWanted): Promise<IngestStats & AccountDetail> {
    const { config } = this.#options;
    const live = await this.#receiving?.account(wanted);
    return live ?? (await storedAccount(config, this.#secrets, known(this.#engine).name, wanted));
  }
}

function changedText(changed: readonly string[]): string {
  if (changed.length === 0)
    return 'The configuration was read again: nothing in it takes effect while Tidegate runs';
  return `The configuration was read again; new are ${changed.join(', ')}`;
}
