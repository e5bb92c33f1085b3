/** A real PostgreSQL of our own for the demo and the tests: loopback only, with a random password. */

import { open, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { once } from 'node:events';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { type Account, postgresBinaries, reachableFolder, unprivilegedAccount } from './postgres-binaries.ts';
import { clusterFolder, openCluster, SUPERUSER } from './postgres-cluster.ts';
import { type PostgresProcess, spawnPostgres } from './postgres-process.ts';

/** For a small machine; the caller's `settings` come after them. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** See "Shutting Down the Server" in the PostgreSQL manual. */
const SIGNALS = { smart: 'TERM', fast: 'INT', immediate: 'QUIT' } as const;
export type StopMode = keyof typeof SIGNALS;

const POLL_MS = 50;
/** Two minutes: crash recovery takes that at most with SETTINGS. */
const READY_POLLS = 2400;
/** Ten seconds for a predecessor on the same data that is still shutting down. */
const LOCKED_POLLS = 200;

export interface PostgresOptions {
  /** Made where it is missing; used again where it holds a cluster. */
  readonly dataFolder: string;
  /** 0 or absent: a free one, kept as long as this server is started again. */
  readonly port?: number;
  /** PostgreSQL settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: initdb does not wait for the disk; for data that nobody will miss. */
  readonly sync?: boolean;
  readonly logger?: Logger;
}

/** Starts a server. Throws `demo_unavailable` where it cannot be had. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const wanted = path.resolve(options.dataFolder);
  const account = await unprivilegedAccount();
  const binaries = await postgresBinaries(account);
  const dataFolder = await reachableFolder(account, wanted);
  if (dataFolder !== wanted) {
    const message = 'the data is kept elsewhere: the account that PostgreSQL runs as cannot reach the folder';
    options.logger?.warn({ wanted, dataFolder }, message);
  }
  const password = await openCluster(dataFolder, account, binaries, options.sync ?? true);
  const port = options.port || (await freePort());
  const server = new EmbeddedPostgres({
    dataFolder,
    port,
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`,
    account,
    program: path.join(binaries, 'postgres'),
    settings: { ...SETTINGS, ...options.settings, port: `${port}` },
  });
  await server.start();
  return server;
}

interface Parts {
  readonly dataFolder: string;
  readonly port: number;
  readonly url: string;
  readonly account: Account;
  readonly program: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** A server that can be stopped and started again, on the same port and data. */
export class EmbeddedPostgres {
  readonly #parts: Parts;
  #process: PostgresProcess | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Where the data really is: not where it was asked to be if the server's account cannot reach that. */
  get dataFolder(): string {
    return this.#parts.dataFolder;
  }

  get port(): number {
    return this.#parts.port;
  }

  /** Of the superuser and the database `postgres`. Holds the password. */
  get url(): string {
    return this.#parts.url;
  }

  /** Of the postmaster; null while none runs. */
  get pid(): number | null {
    return this.#process?.running ? this.#process.pid : null;
  }

  /** Resolves once the server takes connections. Throws `demo_unavailable` with what the server logged. */
  async start(): Promise<void> {
    if (this.pid !== null) return;
    for (let poll = 0; ; poll++) {
      const log = await this.#launch();
      if (log === null) return;
      const locked = /lock file ".*" already exists|shared memory block .* is still in use/.test(log);
      if (!locked || poll === LOCKED_POLLS) {
        throw new TidegateError('demo_unavailable', `PostgreSQL did not start: ${log.trim()}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Resolves once the server has ended; `smart` waits for its clients to leave. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    this.#process?.signal(SIGNALS[mode]);
    await this.#process?.exited();
  }

  /** Returns null once the server is ready, or what it logged where it ended instead. */
  async #launch(): Promise<string | null> {
    const { account, program, settings, dataFolder } = this.#parts;
    const logFile = path.join(dataFolder, 'postgres.log');
    const log = await open(logFile, 'a', 0o600);
    try {
      const { size } = await log.stat();
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const run = await spawnPostgres(account, program, ['-D', clusterFolder(dataFolder), ...flags], log.fd);
      this.#process = run;
      for (let poll = 0; run.running && poll < READY_POLLS; poll++) {
        if (await isReady(dataFolder, run.pid)) return null;
        await delay(POLL_MS);
      }
      await this.stop('immediate');
      return (await readFile(logFile)).subarray(size).toString();
    } finally {
      await log.close();
    }
  }
}

/** By the lock file, as pg_ctl does it (pidfile.h): line 1 has the pid, line 8 the state. */
async function isReady(dataFolder: string, pid: number): Promise<boolean> {
  const lockFile = path.join(clusterFolder(dataFolder), 'postmaster.pid');
  const lines = (await readFile(lockFile, 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
