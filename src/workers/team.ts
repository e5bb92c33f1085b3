import type { ChildProcess } from 'node:child_process';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import type { Check } from '../http/ports.ts';
import type { Logger, PipelineState } from '../pipeline/types.ts';
import type { Standstill } from '../systemd/progress.ts';
import { Member } from './member.ts';
import type { Heard } from './messages.ts';

/** Starts a process that becomes a worker (src/commands/worker.ts), with a channel to it. */
export type SpawnWorker = () => ChildProcess;

export interface TeamParts {
  readonly config: Config;
  readonly spawn: SpawnWorker;
  readonly logger: Logger;
  readonly onHeard: (heard: readonly Heard[]) => void;
  /** A worker ended, or cannot go on: it does the daemon's work no more. */
  readonly onFatal: (error: TidegateError) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Milliseconds without a report after which a worker counts as hung. */
const SILENT = 30_000;
/** Milliseconds that a worker has to leave once its draining is over or given up, before it is killed. */
const FAREWELL = 10_000;
/** Milliseconds that a worker has to subscribe by other filters. */
const RELOAD = 60_000;
/** Milliseconds that somebody who asks the daemon waits for a worker; then its last answer holds. */
const ANSWER = 2_000;

/** The workers of a daemon beside itself, from the second on: processes of their own. */
export class Team {
  readonly #parts: TeamParts;
  #members: readonly Member[] = [];
  #stopping = false;

  constructor(parts: TeamParts) {
    this.#parts = parts;
  }

  /** Resolves once all of them receive messages. Rejects with a TidegateError. */
  async start(): Promise<void> {
    if (this.#stopping) return;
    const { config, spawn, logger, onHeard, onFatal, now } = this.#parts;
    this.#members = Array.from({ length: config.ingest.workers - 1 }, (_, index) => {
      const number = index + 2;
      return new Member(number, spawn(), {
        now,
        onHeard,
        onEnded: (error) => {
          if (!this.#stopping) onFatal(error);
        },
      });
    });
    for (const member of this.#members) member.order({ kind: 'start', number: member.number, config });
    await Promise.all(this.#members.map((member) => member.ready));
    const pids = this.#members.map(({ pid }) => pid);
    logger.info({ workers: config.ingest.workers, pids }, 'All workers receive messages');
  }

  /** What each holds, as far as it has told. */
  get states(): readonly PipelineState[] {
    return this.#members.flatMap(({ report }) => report?.pipeline ?? []);
  }

  /** What /readyz shows of each. */
  get checks(): Readonly<Record<string, Check>> {
    return Object.fromEntries(this.#members.map((member) => [`worker_${member.number}`, checkOf(member)]));
  }

  /** What gets on no more in one of them; or one that was heard of no more for too long. */
  get hung(): Standstill | null {
    for (const { silentFor, report } of this.#members) {
      // One that has told nothing yet is starting.
      if (report === null) continue;
      if (silentFor > SILENT) return { what: 'a worker', seconds: silentFor / 1000 };
      if (report.hung !== null) return report.hung;
    }
    return null;
  }

  /** Has each tell how it is now. */
  async refresh(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.ask('report', ANSWER).catch(() => {})));
  }

  /** Of each, as prom-client passes them on; the last ones where it does not answer. */
  async metrics(): Promise<readonly (readonly object[])[]> {
    await Promise.all(this.#members.map((member) => member.ask('metrics', ANSWER).catch(() => {})));
    return this.#members.map(({ metrics }) => metrics);
  }

  /** Rejects with `worker_failed` where one of them stays with the configuration before. */
  async reload(): Promise<void> {
    const failures = await Promise.all(
      this.#members.map(async (member) => {
        const failure = await member.ask('reload', RELOAD).then(
          () => null,
          (error: Error) => error.message,
        );
        return failure === null ? [] : [`worker ${member.number}: ${failure}`];
      }),
    );
    const text = failures.flat().join('; ');
    if (text === '') return;
    throw new TidegateError('worker_failed', `not all workers go by the new configuration: ${text}`);
  }

  /** Has all of them finish, until `signal` aborts that. Resolves to whether all that they held was written. */
  async stop(signal: AbortSignal): Promise<boolean> {
    this.#stopping = true;
    const ends = await Promise.all(this.#members.map((member) => member.stop(signal, FAREWELL)));
    return ends.every(Boolean);
  }
}

function checkOf({ report, silentFor }: Member): Check {
  if (report === null) return { ok: false, detail: 'not started yet' };
  if (silentFor > SILENT)
    return { ok: false, detail: `was not heard of for ${Math.round(silentFor / 1000)} s` };
  const { ready, checks } = report.readiness;
  const troubles = Object.entries(checks).filter(([, { ok }]) => !ok);
  return ready
    ? { ok: true, detail: 'ready' }
    : { ok: false, detail: troubles.map(([name, { detail }]) => `${name} ${detail}`).join('; ') };
}
