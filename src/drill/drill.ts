import { exec } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brokerOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { maskUrl } from '../mask.ts';
import { forgetSession } from '../mqtt/probe.ts';
import { Publisher } from '../mqtt/publisher.ts';
import type { Logger } from '../pipeline/types.ts';
import type { Certificate } from './certificate.ts';
import { Child } from './child.ts';
import { daemonConfig, type DrillNames } from './daemon-config.ts';
import { Scratch } from './scratch.ts';
import { momentsOf, streamMessage, timedOf } from './stream.ts';

export interface DrillOptions {
  readonly config: Config;
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly messages: number;
  /** Messages a second. */
  readonly rate: number;
  readonly kills: number;
  /** A command of the shell that restarts PostgreSQL and ends when it is done; null: it is left alone. */
  readonly restartDatabase: string | null;
  readonly databaseRestarts: number;
  /** Under which the stream is published; null: `tidegate/drill/<random>`. */
  readonly topic: string | null;
  readonly seed: number;
  readonly logger: Logger;
  readonly onProgress: (text: string) => void;
}

const run = promisify(exec);
const POLL_MS = 20;
/** Milliseconds without progress after which it is given up: longer than any time-out of the daemon. */
const PATIENCE_MS = 120_000;
const FAREWELL_MS = 10_000;
const MAX_IN_FLIGHT = 500;

/** One drill, from its scratch schema to its certificate. */
export class Drill {
  readonly #options: DrillOptions;
  readonly #names: DrillNames;
  readonly #scratch: Scratch;
  readonly #publisher: Publisher;
  readonly #signal: AbortSignal;
  /** Microseconds since 1970 of message 0. */
  readonly #base = Date.now() * 1000;
  #configFile = '';
  #child: Child | null = null;
  #sent = 0;
  /** Messages that may be published before the next fault is over: it shall meet a flow, not its end. */
  #allowed = 0;
  #longestRecovery: number | null = null;

  /** Aborting `signal` ends the drill; what it made is removed all the same. */
  constructor(options: DrillOptions, signal: AbortSignal) {
    const { config, topic, logger } = options;
    const id = randomBytes(4).toString('hex');
    this.#options = options;
    this.#signal = signal;
    this.#names = {
      schema: `tidegate_drill_${id}`,
      clientId: `tidegate-drill-${id}`,
      prefix: topic ?? `tidegate/drill/${id}`,
      spool: config.spool.path === null ? null : `${config.spool.path}-drill-${id}`,
    };
    const { url, migrate_url: ownerUrl } = config.database;
    this.#scratch = new Scratch({ url, ownerUrl: ownerUrl ?? url, schema: this.#names.schema });
    const { username, password, tls } = brokerOptions(config);
    this.#publisher = new Publisher({
      url: this.#brokerUrl,
      clientId: `${this.#names.clientId}-publisher`,
      login: { username, password, tls },
      qos: 1,
      maxInFlight: MAX_IN_FLIGHT,
      logger,
    });
  }

  /** Rejects with a TidegateError. */
  async run(): Promise<Certificate> {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-drill-'));
    try {
      this.#configFile = join(folder, 'tidegate.yaml');
      await writeFile(this.#configFile, daemonConfig(this.#options.config, this.#names), { mode: 0o600 });
      await this.#publisher.connect(this.#signal);
      return await this.#carryOut();
    } finally {
      await this.#cleanUp();
      await rm(folder, { recursive: true, force: true });
    }
  }

  get #brokerUrl(): string {
    return this.#options.config.mqtt.urls[0] ?? '';
  }

  async #carryOut(): Promise<Certificate> {
    const { messages, kills, restartDatabase, seed, version, onProgress } = this.#options;
    const started = Date.now();
    this.#start();
    await this.#child?.receiving();
    this.#child?.assertRunning();
    const restarts = restartDatabase === null ? 0 : this.#options.databaseRestarts;
    onProgress(`publishing ${messages} messages under ${this.#names.prefix}`);
    await Promise.all([this.#publish(), this.#breakThings(kills, restarts)]);
    const settled = await this.#publisher.settle(
      AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)]),
    );
    this.#throwIfStopped();
    const acknowledged = settled ? messages : messages - this.#publisher.inFlight;
    onProgress('waiting for what is under way');
    await this.#until(async () => ((await this.#scratch.rows()) ?? 0) >= acknowledged).catch(() => {});
    const found = await this.#scratch.compare(messages, this.#base);
    const { server, engine } = await this.#scratch.describe();
    return {
      tidegate: version,
      postgresql: server,
      engine,
      broker: maskUrl(this.#brokerUrl),
      started_at: new Date(started).toISOString(),
      seconds: (Date.now() - started) / 1000,
      seed,
      published: messages,
      published_with_time: timedOf(messages),
      acknowledged,
      stored: found.stored,
      lost: Math.max(0, acknowledged - found.stored),
      duplicates: found.duplicates + found.strange,
      dead_letters: found.deadLetters,
      kills,
      database_restarts: restarts,
      longest_recovery_seconds: this.#longestRecovery,
    };
  }

  /** At an even pace; a pause is not made up for. */
  async #publish(): Promise<void> {
    const { messages, rate } = this.#options;
    for (let due = performance.now(); this.#sent < messages && !this.#signal.aborted; due += 1000 / rate) {
      while (this.#sent >= this.#allowed && !this.#signal.aborted) await delay(POLL_MS);
      const { topic, payload } = streamMessage(this.#names.prefix, this.#sent, this.#base);
      await this.#publisher.publish(topic, payload, this.#signal);
      this.#sent++;
      const early = due - performance.now();
      if (early > POLL_MS) await delay(early, undefined, { signal: this.#signal }).catch(() => {});
      else if (early < -1000) due = performance.now();
    }
  }

  /** Kills and restarts, one after the other, each when its moment in the stream has come. */
  async #breakThings(kills: number, restarts: number): Promise<void> {
    const { messages, seed } = this.#options;
    const faults = Array.from({ length: kills + restarts }, () => () => this.#killDaemon());
    for (let restart = 1; restart <= restarts; restart++) {
      const place = Math.floor((restart * faults.length) / (restarts + 1));
      faults[place] = () => this.#restartDatabase();
    }
    const moments = momentsOf(messages, faults.length, seed);
    for (const [fault, moment] of moments.entries()) {
      this.#allowed = moments[fault + 1] ?? messages;
      await this.#until(async () => this.#sent >= moment);
      await faults[fault]?.();
    }
    this.#allowed = messages;
  }

  async #killDaemon(): Promise<void> {
    this.#child?.assertRunning();
    const at = performance.now();
    await this.#child?.kill();
    const rows = (await this.#scratch.rows()) ?? 0;
    this.#start();
    await this.#recovered(rows, at, 'killed the daemon');
  }

  async #restartDatabase(): Promise<void> {
    const rows = (await this.#scratch.rows()) ?? 0;
    try {
      await run(this.#options.restartDatabase ?? '', { signal: this.#signal });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TidegateError('drill_failed', `the command to restart the database failed: ${reason}`);
    }
    await this.#until(() => this.#scratch.answers());
    await this.#recovered(rows, performance.now(), 'restarted the database');
  }

  /** Until there are more rows than before the fault, or as many as messages were published. */
  async #recovered(rows: number, at: number, fault: string): Promise<void> {
    await this.#until(async () => {
      this.#child?.assertRunning();
      const now = await this.#scratch.rows();
      return now !== null && (now > rows || now >= this.#sent);
    });
    const seconds = (performance.now() - at) / 1000;
    this.#longestRecovery = Math.max(this.#longestRecovery ?? 0, seconds);
    this.#options.onProgress(`${fault} at message ${this.#sent}; stores again after ${seconds.toFixed(2)} s`);
  }

  #start(): void {
    const { program, env } = this.#options;
    this.#child = Child.start({ program, configFile: this.#configFile, env });
  }

  /** Rejects with drill_failed after two minutes in which rows neither came nor the condition held. */
  async #until(condition: () => Promise<boolean>): Promise<void> {
    let deadline = performance.now() + PATIENCE_MS;
    let before = -1;
    while (!(await condition())) {
      this.#throwIfStopped();
      const progress = this.#sent + ((await this.#scratch.rows()) ?? 0);
      if (progress > before) deadline = performance.now() + PATIENCE_MS;
      before = Math.max(before, progress);
      if (performance.now() > deadline) {
        throw new TidegateError(
          'drill_failed',
          `nothing was stored for ${PATIENCE_MS / 1000} s; may ${this.#names.clientId} read and write ${this.#names.prefix}/#?`,
        );
      }
      await delay(POLL_MS);
    }
  }

  #throwIfStopped(): void {
    if (this.#signal.aborted) throw new TidegateError('drill_failed', 'stopped by hand');
  }

  /** What cannot be removed is named. */
  async #cleanUp(): Promise<void> {
    const { config, logger } = this.#options;
    const { schema, clientId, spool } = this.#names;
    await this.#child?.stop(AbortSignal.timeout(FAREWELL_MS));
    await this.#publisher.close().catch(() => {});
    const left = (what: string) => (error: unknown) =>
      logger.warn({ err: error }, `${what} could not be removed; it is in nobody's way, but is left`);
    await forgetSession({
      ...brokerOptions(config),
      clientId,
      filters: [],
      logger,
      observer: { dropped: () => {}, resent: () => {} },
      sessions: null,
      onFatal: () => {},
    }).catch(left(`the session ${clientId} at the broker`));
    if (spool !== null) {
      await rm(spool, { recursive: true, force: true }).catch(left(`the folder ${spool}`));
    }
    await this.#scratch.drop().catch(left(`the schemas ${schema} and ${schema}_tidegate`));
  }
}
