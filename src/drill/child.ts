import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import type { Readable } from 'node:stream';
import { TidegateError } from '../errors.ts';
import { RECEIVING } from '../readiness.ts';

export interface ChildOptions {
  /** The program and what stands before its arguments: how this process itself was started. */
  readonly program: readonly [string, ...string[]];
  readonly configFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Lines of its log that are kept to say why it ended. */
const KEPT_LINES = 20;

/** A daemon in a process of its own, to be killed. */
export class Child {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: string[] = [];
  readonly #receiving = Promise.withResolvers<void>();

  constructor(process: ChildProcess) {
    this.#process = process;
    this.#exited = once(process, 'exit');
    this.#exited.catch(() => {});
    for (const stream of [process.stdout, process.stderr]) {
      readline.createInterface(stream as Readable).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        if (line.includes(RECEIVING)) this.#receiving.resolve();
      });
    }
  }

  static start({ program: [command, ...args], configFile, env }: ChildOptions): Child {
    const own = Object.entries(env).filter(
      ([name]) => !name.startsWith('TIDEGATE_') && name !== 'CREDENTIALS_DIRECTORY',
    );
    return new Child(
      spawn(command, [...args, 'run', '--config', configFile], {
        env: Object.fromEntries(own),
        stdio: ['ignore', 'pipe', 'pipe'],
        // An interrupt from the terminal is for the drill, which still has to clean up.
        detached: true,
      }),
    );
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves once it receives and stores, or is gone. */
  async receiving(): Promise<void> {
    await Promise.race([this.#receiving.promise, this.#exited]);
  }

  /** Throws where it ended by itself. */
  assertRunning(): void {
    if (this.running) return;
    const log = this.#lines.join('\n');
    throw new TidegateError('drill_failed', `the daemon of the drill ended by itself:\n${log}`);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and SIGKILL where `signal` aborts first. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#process.kill('SIGTERM');
    const kill = () => void this.#process.kill('SIGKILL');
    if (signal.aborted) kill();
    signal.addEventListener('abort', kill, { once: true });
    await this.#exited;
    signal.removeEventListener('abort', kill);
  }
}
