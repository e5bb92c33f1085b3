import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IngestStats } from '../../src/pipeline/types.ts';
import { eventually } from './eventually.ts';
import { programFile, spawnTidegate } from './program.ts';

export interface DaemonOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The text of a configuration file. */
  readonly config?: string;
  /** The path of one that stays there. */
  readonly file?: string;
  /** The file that Node runs; default: this program. */
  readonly program?: string;
}

/** `tidegate run` in a process of its own; killed when it is disposed. */
export interface Daemon extends AsyncDisposable {
  /** Where HTTP answers. */
  readonly url: string;
  readonly pid: number;
  readonly running: boolean;
  /** The balance sheet. */
  stats(): Promise<IngestStats>;
  /** Whether /readyz answers 200. */
  ready(): Promise<boolean>;
  /** One SIGTERM. */
  terminate(): void;
  /** SIGHUP; resolves once the configuration was read again, taken or not. */
  reload(): Promise<void>;
  /** Resolves to the exit code; null where a signal ended it. */
  exited(): Promise<number | null>;
  /** Waits until SIGKILL ended it, by whomever. Rejects with its output where it ended otherwise. */
  killed(): Promise<void>;
  /** SIGTERM, to the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: no time to finish anything. */
  kill(): Promise<void>;
  /** Standard output and standard error so far. */
  output(): string;
  /** Resolves once the output matches. */
  logged(pattern: RegExp): Promise<void>;
  /** The peak of its resident memory in MiB, while it runs; NaN where there is no /proc. */
  peakMemory(): number;
}

/** Starts one that ends itself at a point (test/support/faulty-daemon.ts), and waits for nothing. */
export function startFaultyDaemon(env: Readonly<Record<string, string>>): Daemon {
  return new DaemonProcess(spawnTidegate([], env, programFile('faulty-daemon')));
}

/** Starts it and waits until it is ready. Rejects with its output where it ends instead. */
export async function startDaemon({ env, config, file: kept, program }: DaemonOptions): Promise<Daemon> {
  const directory = config === undefined ? null : await mkdtemp(join(tmpdir(), 'tidegate-config-'));
  const file = directory === null ? (kept ?? null) : join(directory, 'tidegate.yaml');
  if (file !== null && config !== undefined) await writeFile(file, config);
  const child = spawnTidegate(['run', ...(file === null ? [] : ['--config', file])], env, program);
  const daemon = new DaemonProcess(child);
  try {
    await eventually('the daemon is ready', async () => (await daemon.ready()) && daemon);
    return daemon;
  } catch (error) {
    await daemon.kill();
    throw new Error(`the daemon did not start:\n${daemon.output()}`, { cause: error });
  } finally {
    if (directory !== null) await rm(directory, { recursive: true });
  }
}

/** Waits until nothing is in its hands, and resolves to its balance sheet. */
export async function settled(daemon: Daemon): Promise<IngestStats> {
  return await eventually('all is settled', async () => {
    const sheet = await daemon.stats();
    return sheet.messages.in_flight + sheet.messages.spooled === 0 && sheet;
  });
}

/** A sample of /metrics; 0 where there is none. */
export async function metric(
  { url }: Daemon,
  { name, labels = {} }: { readonly name: string; readonly labels?: Readonly<Record<string, string>> },
): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const sample = `tidegate_${name}${wanted.length > 0 ? `{${wanted.join(',')}}` : ''} `;
  const line = text.split('\n').find((found) => found.startsWith(sample));
  return Number(line?.slice(sample.length) ?? 0);
}

/** Asserts that both sides of the sheet are the same, by its own word and by our addition. */
export function assertBalanced(stats: IngestStats): void {
  const { received, ...messages } = stats.messages;
  const { decoded, ...points } = stats.points;
  const sum = (counts: object) => Object.values(counts).reduce((total, count) => total + count, 0);
  assert.equal(sum(messages), received, JSON.stringify(stats));
  assert.equal(sum(points), decoded, JSON.stringify(stats));
  assert.equal(stats.balanced, true, JSON.stringify(stats));
}

class DaemonProcess implements Daemon {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown[]>;
  #output = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    // The end of the tests is its end.
    const kill = () => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('close', () => process.off('exit', kill));
    this.#closed = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  get url(): string {
    const url = /HTTP answers at (http:[^"\s]+)/.exec(this.#output)?.[1];
    assert.ok(url, 'HTTP is not open yet');
    return url;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stats(): Promise<IngestStats> {
    const response = await fetch(`${this.url}/api/stats/ingest`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as IngestStats;
  }

  async ready(): Promise<boolean> {
    if (!this.running) throw new Error(`it ended:\n${this.#output.slice(-2_000)}`);
    if (!this.#output.includes('HTTP answers at')) return false;
    const { status } = await fetch(`${this.url}/readyz`);
    assert.ok(status === 200 || status === 503, `/readyz: ${status}`);
    return status === 200;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async reload(): Promise<void> {
    const count = (): number =>
      this.#output.match(/The configuration (was read again|stays as it was)/g)?.length ?? 0;
    const before = count();
    this.#child.kill('SIGHUP');
    await eventually('the configuration is read again', () => count() > before);
  }

  async exited(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async killed(): Promise<void> {
    await eventually('the daemon is killed', () => this.#child.signalCode ?? this.#child.exitCode).catch(
      (error: unknown) => {
        throw new Error(this.#output, { cause: error });
      },
    );
    await this.#closed;
    assert.equal(this.#child.signalCode, 'SIGKILL', this.#output);
  }

  stop(): Promise<number | null> {
    this.terminate();
    return this.exited();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  output(): string {
    return this.#output;
  }

  async logged(pattern: RegExp): Promise<void> {
    await eventually(`the log says ${pattern}`, () => pattern.test(this.#output));
  }

  peakMemory(): number {
    if (process.platform !== 'linux') return Number.NaN;
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(peak?.[1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
