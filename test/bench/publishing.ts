import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Flow } from './flow-shapes.ts';

const PUBLISHER = fileURLToPath(new URL('publisher.ts', import.meta.url));

/** What publishing took: seconds until the broker had acknowledged all, and seconds of CPU. */
export interface Published {
  readonly seconds: number;
  readonly cpu: number;
}

/** A process that has all packets of a flow in hand, and is connected. Killed where it is disposed before its end. */
export interface Publishing extends AsyncDisposable {
  begin(): void;
  /** Rejects where it ended without having published all. */
  readonly finished: Promise<Published>;
  readonly running: boolean;
}

export async function preparePublisher(port: number, flow: Flow): Promise<Publishing> {
  const child = spawn(process.execPath, [PUBLISHER, String(port), JSON.stringify(flow)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.startsWith('ready\n')) ready.resolve();
  });
  const finished = once(child, 'close').then(() => {
    ready.reject(new Error('the publisher could not connect'));
    if (child.exitCode !== 0)
      throw new Error(`the publisher ended with ${child.exitCode ?? child.signalCode}`);
    return JSON.parse(output.slice('ready\n'.length)) as Published;
  });
  // Whoever does not wait for the end need not hear of it.
  finished.catch(() => undefined);
  await ready.promise;
  return new PublisherProcess(child, finished);
}

class PublisherProcess implements Publishing {
  readonly #child: ChildProcess;
  readonly finished: Promise<Published>;

  constructor(child: ChildProcess, finished: Promise<Published>) {
    this.#child = child;
    this.finished = finished;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  begin(): void {
    this.#child.stdin?.write('go\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.finished.catch(() => undefined);
  }
}
