import {
  certificateFiles,
  JOURNAL_STAYS,
  queryPoolOptions,
  readsSparkplug,
  serverOptions,
} from './app-options.ts';
import type { Config } from './config/load.ts';
import type { Engine } from './engines/engine.ts';
import { readTopic } from './decode/sparkplug/topic.ts';
import { TidegateError } from './errors.ts';
import { briefly, Explainer } from './explainer.ts';
import type { HttpPorts } from './http/ports.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import { LetterDesk } from './letters/desk.ts';
import { fetchKnownEdges } from './letters/known-edges.ts';
import { LiveFeed } from './live/feed.ts';
import { LiveFollower } from './live/follower.ts';
import { auditOf, orderChunk, orderJob, overHttp } from './orders.ts';
import type { Logger, PipelineObserver } from './pipeline/types.ts';
import { Anomalies } from './postgres/anomalies.ts';
import { CollectionStatistics } from './postgres/collection-statistics.ts';
import { DeviceDirectory } from './postgres/device-directory.ts';
import { LatestPoints } from './postgres/latest-points.ts';
import { MetricReader } from './postgres/metric-reader.ts';
import { NewPoints } from './postgres/new-points.ts';
import { QueryLog } from './postgres/query-log.ts';
import { QueryPool } from './postgres/query-pool.ts';
import { storedPoints } from './postgres/stored-points.ts';
import type { Scheduling } from './scheduling.ts';
import type { Secrets } from './secrets.ts';

/** That a client of /api/live may lag behind. */
const LIVE_POINTS = 10_000;
/** Milliseconds between two looks for points that another process stored. */
const LIVE_LOOK = 1_000;

export interface AnsweringParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly version: string;
  /** Null before the database is ready. */
  readonly engine: () => Engine | null;
  /** Null before the database is ready. */
  readonly jobs: () => Scheduling | null;
  /** What the process tells of itself. */
  readonly own: Pick<HttpPorts, 'ready' | 'metricsText' | 'ingestStats'>;
}

/** The component `api`: everything that HTTP answers with, and the server. */
export class Answering {
  readonly #parts: AnsweringParts;
  readonly #pool: QueryPool;
  readonly #latest: LatestPoints;
  readonly #live: LiveFeed | LiveFollower;
  readonly #queryLog: QueryLog;
  readonly #desk: LetterDesk;
  #config: Config;
  #explainer: Explainer;
  #server: HttpServer | null = null;

  constructor(parts: AnsweringParts) {
    const { config, secrets, engine } = parts;
    this.#parts = parts;
    this.#pool = new QueryPool({ ...queryPoolOptions(config, secrets), isReady: () => engine() !== null });
    this.#latest = new LatestPoints(this.#pool);
    const room = { listeners: config.http.live_clients, room: LIVE_POINTS };
    // Where another process stores points, the database is followed.
    const alone = config.components.includes('ingest') && config.ingest.workers === 1;
    this.#live = alone
      ? new LiveFeed({ ...room, stored: (points) => storedPoints(this.#pool, points) })
      : new LiveFollower({
          ...room,
          every: LIVE_LOOK,
          follow: (question) => {
            const points = new NewPoints({
              pool: this.#pool,
              latest: this.#latest,
              question,
              limit: LIVE_POINTS,
              // A batch's row has its time before it is committed.
              patience: JOURNAL_STAYS - 1_000,
            });
            return (signal) => points.take(signal);
          },
        });
    this.#queryLog = new QueryLog({ url: secrets.databaseUrl, schema: config.database.schema });
    this.#desk = new LetterDesk(config);
    this.#config = config;
    this.#explainer = new Explainer(config);
  }

  /** To be told of what this process commits. */
  get observers(): readonly PipelineObserver[] {
    return this.#live instanceof LiveFeed ? [this.#live.observer] : [];
  }

  /** Questions that were not written down. */
  get unlogged(): number {
    return this.#queryLog.dropped;
  }

  /** Resolves to where it answers. Throws `http_unavailable`. */
  async start(): Promise<string> {
    const { config, version, logger } = this.#parts;
    this.#server = await createHttpServer({
      ...serverOptions(config),
      tokens: () => this.#config.http.tokens,
      certificateFiles: () => certificateFiles(this.#config),
      version,
      logger,
      ports: { ...this.#parts.own, ...this.#orders(), ...this.#questions() },
    });
    const { url } = await this.#server.listen();
    logger.info({ url }, `HTTP answers at ${url}`);
    return url;
  }

  /** Goes by this from now on: tokens, files of the certificate, routes. */
  reload(config: Config): void {
    this.#config = config;
    this.#explainer = new Explainer(config);
    this.#desk.reload(config);
  }

  async stop(): Promise<void> {
    await this.#desk.stop();
    this.#live.close();
    await this.#server?.close();
    await this.#pool.close();
    await this.#queryLog.stop();
  }

  /** What is done by hand, and what there is to do it to. */
  #orders(): Pick<HttpPorts, 'jobs' | 'runJob' | 'deadLetters' | 'chunks'> {
    const { config, secrets } = this.#parts;
    const audit = auditOf(config, secrets);
    const engine = () => known(this.#parts.engine());
    const jobs = () => known(this.#parts.jobs());
    return {
      jobs: async (history) => await jobs().list(history),
      runJob: async (name, asker) => {
        const scheduling = jobs();
        return await orderJob(audit, overHttp(config, asker), name, () => scheduling.run(name));
      },
      deadLetters: this.#desk.ports,
      chunks: {
        list: async () => await engine().chunks(),
        compress: async (name, asker) =>
          await orderChunk(audit, engine(), overHttp(config, asker), 'compress', name),
        decompress: async (name, asker) =>
          await orderChunk(audit, engine(), overHttp(config, asker), 'decompress', name),
        compression: async () => await engine().compression(),
      },
    };
  }

  /** Of Sparkplug one that knows the births that the database has now; another one each time, as it takes in what it explains. */
  async #explainerOf(topic: string): Promise<Explainer> {
    const config = this.#config;
    if (!readsSparkplug(config) || !readTopic(topic)) return this.#explainer;
    known(this.#parts.engine());
    return new Explainer(config, await fetchKnownEdges(config, this.#parts.secrets.databaseUrl()));
  }

  #questions(): Omit<
    HttpPorts,
    'ready' | 'metricsText' | 'ingestStats' | 'jobs' | 'runJob' | 'deadLetters' | 'chunks'
  > {
    const pool = this.#pool;
    return {
      devices: new DeviceDirectory(pool),
      metrics: new MetricReader(pool),
      latest: this.#latest,
      live: this.#live,
      anomalies: new Anomalies(pool),
      statistics: new CollectionStatistics(pool),
      explain: async (topic, payload) => briefly((await this.#explainerOf(topic)).explain(topic, payload)),
      logQuery: (answered) => this.#queryLog.note(answered),
    };
  }
}

/** What is there once the database is ready. Throws `database_unreachable` before. */
export function known<T>(part: T | null): T {
  if (part !== null) return part;
  throw new TidegateError('database_unreachable', 'the database is not ready yet');
}
