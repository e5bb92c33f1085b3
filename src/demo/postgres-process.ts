/** One run of the `postgres` program, which ends with us at the latest. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { TidegateError } from '../errors.ts';
import { type Account, ENVIRONMENT } from './postgres-binaries.ts';

/**
 * Runs the server and passes on the signals that it reads. The end of its input is our own end, however that came:
 * then it shuts the server down, so that none is ever left behind.
 */
const KEEPER = `
exec 3<&0
"$@" >&2 3<&- & server=$!
echo "$server"
{ while read -r signal; do kill -s "$signal" "$server"; done; kill -s INT "$server"; } <&3 >&2 & relay=$!
wait "$server"; status=$?
kill "$relay"
exit "$status"`;

export class PostgresProcess {
  /** Of the postmaster. */
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(pid: number, child: ChildProcess, exited: Promise<unknown>) {
    this.pid = pid;
    this.#child = child;
    this.#exited = exited;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** `name` without SIG; with none, as if we had ended. */
  signal(name: 'TERM' | 'INT' | 'QUIT'): void {
    if (this.running) this.#child.stdin?.write(`${name}\n`);
  }

  async exited(): Promise<void> {
    this.#child.ref();
    await this.#exited;
  }
}

/** Starts `program` with its messages going to the file `logFd`. Throws `demo_unavailable`. */
export async function spawnPostgres(
  account: Account,
  program: string,
  args: readonly string[],
  logFd: number,
): Promise<PostgresProcess> {
  const child = spawn('/bin/sh', ['-c', KEEPER, 'postgres', program, ...args], {
    ...account,
    cwd: '/',
    env: ENVIRONMENT,
    // An interrupt from the terminal is for us, who still have to drain into this server.
    detached: true,
    stdio: ['pipe', 'pipe', logFd],
  });
  const exited = once(child, 'exit');
  const output = readline.createInterface(child.stdout as Readable);
  const firstLine = output[Symbol.asyncIterator]().next();
  try {
    await Promise.race([once(child, 'spawn'), exited]);
  } catch (error) {
    throw new TidegateError('demo_unavailable', `PostgreSQL did not start: ${String(error)}`, {
      cause: error,
    });
  }
  const pid = Number((await firstLine).value);
  const stdin = child.stdin as Writable & { unref(): void };
  stdin.on('error', () => undefined);
  child.stdout?.destroy();
  stdin.unref();
  child.unref();
  return new PostgresProcess(pid, child, exited);
}
