import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Aedes } from 'aedes';
import { connectAsync, type IClientOptions } from 'mqtt';

/** The mosquitto of this machine, or null where there is none. */
export const mosquittoPath: string | null = findMosquitto();

/**
 * For tests that aedes cannot serve: `test(name, needsMosquitto, ...)`. MQTT 5, sessions that outlive a broker, access
 * lists, and a flow that goes on while a session changes its connection, where aedes 1.2 loses a message now and then.
 */
export const needsMosquitto: { readonly skip: string | false } = {
  skip: mosquittoPath === null && 'needs mosquitto, which is not installed here',
};

export interface BrokerOptions {
  /** Default: mosquitto where it is installed, else aedes (MQTT 3.1.1 only). */
  kind?: 'mosquitto' | 'aedes';
  /** Default: a free port. */
  port?: number;
  /** Of `url`; anything but mqtt needs its lines in `config`. */
  scheme?: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  /** Further lines of mosquitto.conf; those of the listener come first. Ignored by aedes. */
  config?: readonly string[];
  /** Sessions and retained messages survive an orderly `stop` and `restart`. Default: false. */
  persistence?: boolean;
}

/** A broker on 127.0.0.1 that lives until it is disposed (`await using`), or the process ends. */
export interface TestBroker extends AsyncDisposable {
  readonly kind: 'mosquitto' | 'aedes';
  readonly url: string;
  readonly port: number;
  /** Null for aedes and while stopped. */
  readonly pid: number | null;
  /** What the broker logged so far. */
  log(): string;
  /** Orderly, as `systemctl stop`. */
  stop(): Promise<void>;
  /** SIGKILL: no farewell to anybody. */
  kill(): Promise<void>;
  /** Starts on the same port, after an orderly stop where it still runs. */
  restart(): Promise<void>;
}

export async function startBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const kind = options.kind ?? (mosquittoPath === null ? 'aedes' : 'mosquitto');
  for (;;) {
    const port = options.port ?? (await freePort());
    const broker = kind === 'aedes' ? new AedesBroker(port, options) : new MosquittoBroker(port, options);
    try {
      await broker.restart();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      // Between `freePort` and the broker's bind somebody else may have taken the port.
      if (options.port !== undefined || !/EADDRINUSE|already in use/.test(String(error))) throw error;
    }
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface TestMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

/** Publishes all messages in order and resolves once the broker has taken each (QoS 1: acknowledged). */
export async function publish(
  url: string,
  messages: readonly TestMessage[],
  { qos = 1, retain = false, ...client }: IClientOptions & { qos?: 0 | 1; retain?: boolean } = {},
): Promise<void> {
  const publisher = await connectAsync(url, { log: () => {}, ...client }, false);
  try {
    await Promise.all(
      messages.map(({ topic, payload }) =>
        publisher.publishAsync(topic, typeof payload === 'string' ? payload : Buffer.from(payload), {
          qos,
          retain,
        }),
      ),
    );
  } finally {
    await publisher.endAsync();
  }
}

class MosquittoBroker implements TestBroker {
  readonly kind = 'mosquitto';
  readonly url: string;
  readonly port: number;
  readonly #options: BrokerOptions;
  #directory: string | null = null;
  #child: ChildProcess | null = null;
  #log = '';
  readonly #cleanUp = (): void => {
    this.#child?.kill('SIGKILL');
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
  };

  constructor(port: number, options: BrokerOptions) {
    this.port = port;
    this.url = `${options.scheme ?? 'mqtt'}://127.0.0.1:${port}`;
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  log(): string {
    return this.#log;
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    if (mosquittoPath === null) throw new Error('mosquitto is not installed here');
    await this.stop();
    if (this.#directory === null) {
      this.#directory = await mkdtemp(join(tmpdir(), 'tidegate-broker-'));
      process.on('exit', this.#cleanUp);
      await writeFile(join(this.#directory, 'mosquitto.conf'), this.#configuration(this.#directory));
    }
    const from = this.#log.length;
    const child = spawn(mosquittoPath, ['-c', join(this.#directory, 'mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        // Logged once every listener is open.
        if (/mosquitto version \S+ running/.test(this.#log.slice(from))) resolve();
      });
      child.once('error', reject);
      child.once('close', () => {
        if (this.#child === child) this.#child = null;
        reject(new Error(`mosquitto did not start:\n${this.#log.slice(from)}`));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    process.off('exit', this.#cleanUp);
    this.#cleanUp();
    this.#directory = null;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    // mosquitto 2.0.11 loses a SIGTERM that comes right after it said that it runs.
    const again = setInterval(() => child.kill(signal), 2_000);
    await closed;
    clearInterval(again);
  }

  #configuration(directory: string): string {
    const extra = this.#options.config ?? [];
    return [
      `listener ${this.port} 127.0.0.1`,
      ...extra,
      // Started as root, mosquitto would change to a user that cannot write to our directory.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      ...(extra.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']),
      ...(extra.some((line) => line.startsWith('max_queued_messages')) ? [] : ['max_queued_messages 0']),
      ...(this.#options.persistence ? ['persistence true', `persistence_location ${directory}/`] : []),
      'set_tcp_nodelay true',
      'log_dest stderr',
      '',
    ].join('\n');
  }
}

class AedesBroker implements TestBroker {
  readonly kind = 'aedes';
  readonly pid = null;
  readonly url: string;
  readonly port: number;
  readonly #options: BrokerOptions;
  readonly #sockets = new Set<Socket>();
  #aedes: Aedes | null = null;
  #server: Server | null = null;

  constructor(port: number, options: BrokerOptions) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#options = options;
  }

  log(): string {
    return '';
  }

  stop(): Promise<void> {
    return this.#end(this.#options.persistence ?? false);
  }

  kill(): Promise<void> {
    return this.#end(false);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#aedes ??= await Aedes.createBroker();
    const aedes = this.#aedes;
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    this.#server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end(false);
  }

  /** Its sessions live in the Aedes object: to keep them is to keep it. */
  async #end(keepSessions: boolean): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server?.listening) {
      server.close();
      await once(server, 'close');
    }
    const aedes = this.#aedes;
    if (aedes === null || keepSessions) return;
    this.#aedes = null;
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  }
}

function findMosquitto(): string | null {
  // Debian puts it into /usr/sbin, which is not on every user's PATH.
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const directory of directories) {
    const path = join(directory, 'mosquitto');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}
