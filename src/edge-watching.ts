import { brokerOptions, edgeLimits } from './app-options.ts';
import type { Config } from './config/load.ts';
import { rebirthCommand } from './decode/sparkplug/command.ts';
import { EdgeNodes } from './decode/sparkplug/edge-nodes.ts';
import { Rebirths } from './decode/sparkplug/rebirths.ts';
import { commandTopic, isDeath, isTurn } from './decode/sparkplug/topic.ts';
import { WaitingLetters } from './letters/waiting-letters.ts';
import { Commands } from './mqtt/commands.ts';
import type { SpooledBatch } from './pipeline/spool-types.ts';
import type { Decoder, DeviceObserver, Logger, PipelineObserver, PointWriter } from './pipeline/types.ts';
import { EdgeStore } from './postgres/edge-store.ts';
import { schemaNames } from './postgres/names.ts';
import type { PostgresSink } from './postgres/sink.ts';
import type { Secrets } from './secrets.ts';
import { LogLimit } from './telemetry/log-limit.ts';

export interface EdgeState {
  readonly online: number;
  readonly offline: number;
  readonly missing: number;
  readonly reordered: number;
  /** Births that were asked for. */
  readonly asked: number;
}

/** Milliseconds. */
const TICK = 1_000;
const LOG_INTERVAL = 10_000;

/** What is known of Sparkplug edge nodes beside their points: restored at the start, watched and, where allowed, asked for. */
export class EdgeWatching {
  readonly edges: EdgeNodes;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #commands: Commands | null;
  readonly #rebirths: Rebirths;
  readonly #letters: WaitingLetters;
  readonly #limit = new LogLimit(LOG_INTERVAL, () => performance.now());
  #timer: NodeJS.Timeout | null = null;
  #asked = 0;

  constructor(config: Config, secrets: Secrets, logger: Logger) {
    const { rebirth } = config.sparkplug;
    this.#config = config;
    this.#logger = logger;
    this.edges = new EdgeNodes(edgeLimits(config));
    this.#letters = new WaitingLetters(config, this.edges, logger);
    this.#rebirths = new Rebirths(rebirth.interval * 1000);
    this.#commands = rebirth.enabled ? commandsOf(config, secrets, logger) : null;
  }

  get observer(): PipelineObserver {
    return this.#letters.observer;
  }

  get state(): EdgeState {
    const { missing, reordered } = this.edges.counts;
    return { ...this.edges.states(), missing, reordered, asked: this.#asked };
  }

  /**
   * Before the first message: what earlier lives kept, and what lies in the spool. Rejects with a WriteError. `decoder`: of
   * these edge nodes.
   */
  async restore(
    sink: Pick<PostgresSink, 'lend'>,
    spooled: AsyncIterable<SpooledBatch> | null,
    decoder: Decoder,
  ): Promise<void> {
    const store = new EdgeStore(schemaNames(this.#config.database.schema), this.#config.mqtt.client_id);
    await sink.lend(async (client) => {
      for await (const page of store.load(client)) this.edges.restore(page);
    });
    const { past } = decoder;
    if (spooled === null || past === undefined) return;
    for await (const { messages } of spooled) {
      for (const { topic, payload, receivedAt } of messages)
        if (isTurn(topic)) quietly(() => past.decode(topic, payload, NOWHERE, false, receivedAt));
    }
  }

  reload(config: Config): void {
    this.#letters.reload(config);
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), TICK);
    this.#letters.start();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all([this.#commands?.close(), this.#letters.stop()]);
  }

  /** A death is no sign of life. */
  heardBy(devices: DeviceObserver): DeviceObserver {
    return {
      heard: (deviceId, delivery, timestamp) => {
        if (!isDeath(delivery.topic)) devices.heard(deviceId, delivery, timestamp);
      },
    };
  }

  #look(): void {
    const now = Date.now() * 1000;
    const { gaps, wanted } = this.edges.look(now, this.#config.sparkplug.reorder_timeout * 1000);
    if (gaps.size > 0) {
      let missing = 0;
      for (const count of gaps.values()) missing += count;
      const [edge] = gaps.keys();
      const messages = this.#limit.pass('gaps', missing);
      if (messages > 0) {
        const text = 'Messages of Sparkplug edge nodes are missing by their sequence numbers';
        this.#logger.warn({ messages, edge }, text);
      }
    }
    if (this.#commands !== null)
      void this.#ask(
        wanted.map(({ edge }) => edge),
        now,
      );
  }

  async #ask(wanted: readonly string[], now: number): Promise<void> {
    const due = this.#rebirths.due(wanted, now);
    if (due.length === 0) return;
    const payload = rebirthCommand(now / 1000);
    const sent = await this.#commands?.send(due.map((edge) => ({ topic: commandTopic(edge), payload })));
    if (!sent) return;
    this.#asked += sent;
    const edges = this.#limit.pass('rebirths', sent);
    if (edges > 0)
      this.#logger.info({ edges, edge: due[0] }, 'Sparkplug edge nodes were asked for their births');
  }
}

function commandsOf(config: Config, secrets: Secrets, logger: Logger): Commands {
  const { urls, clientId, username, password, tls } = brokerOptions(config, secrets);
  return new Commands({ urls, clientId: `${clientId}-commands`, login: { username, password, tls }, logger });
}

const NOWHERE: PointWriter = { number() {}, text() {}, describe() {}, reject() {}, drop() {} };

/** A fault of ours in one message must not keep the daemon from starting; the drain makes a dead letter of it. */
function quietly(act: () => unknown): void {
  try {
    act();
  } catch {
    // Told there.
  }
}
