import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import type { EdgeNodes } from '../decode/sparkplug/edge-nodes.ts';
import { readTopic, topicsOf } from '../decode/sparkplug/topic.ts';
import type { Batch, Logger, PipelineObserver, WriteReport } from '../pipeline/types.ts';
import { UNMOVED } from '../pipeline/unmoved.ts';
import { ALL_LETTERS, type LetterSelection } from '../postgres/dead-letter-selection.ts';
import { DeadLetters } from './dead-letters.ts';

const CODE = 'sparkplug_unknown_alias';
/** Milliseconds after a birth: those of the devices follow that of their edge node. */
const PAUSE = 500;
/** Milliseconds after a replay that failed. */
const RETRY = 10_000;
/** Edge nodes that are remembered one by one. */
const MOST = 1_000;

/**
 * Dead letters of Sparkplug data whose birth was not known: replayed by themselves once it is committed. What can still not
 * be read stays as it is.
 */
export class WaitingLetters {
  #letters: DeadLetters;
  readonly #edges: EdgeNodes;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  /** Edge nodes that have letters, as far as this process knows. */
  readonly #waiting = new Set<string>();
  /** Whether others may have some too: of earlier lives, or forgotten. Then every birth is followed by a look. */
  #othersWait = true;
  /** The latest birth that was committed, by edge node. */
  readonly #born = new Map<string, number>();
  readonly #due = new Set<string>();
  #allDue = false;
  #running: Promise<void> | null = null;

  /** `edges`: as the daemon knows them. */
  constructor(config: Config, edges: EdgeNodes, logger: Logger) {
    this.#edges = edges;
    this.#letters = lettersOf(config, edges);
    this.#logger = logger;
  }

  readonly observer: PipelineObserver = {
    ...UNMOVED,
    committed: (batch, report) => this.#committed(batch, report),
  };

  /** The next replay goes by these routes. */
  reload(config: Config): void {
    this.#letters = lettersOf(config, this.#edges);
  }

  /** A birth may have been committed with nobody left to go on from there. */
  start(): void {
    this.#allDue = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  #committed({ deadLetters, deliveries, edgeEvents = [] }: Batch, { refused }: WriteReport): void {
    for (const { messageIndex, code } of [...deadLetters, ...refused]) {
      const delivery = deliveries[messageIndex];
      const edge = code === CODE && delivery !== undefined ? readTopic(delivery.topic)?.edge : undefined;
      if (edge === undefined) continue;
      this.#remember(edge);
      // The birth may have been faster.
      if ((this.#born.get(edge) ?? 0) >= (delivery?.receivedAt ?? 0)) this.#due.add(edge);
    }
    for (const { kind, edge, receivedAt } of edgeEvents) {
      if (kind !== 'birth') continue;
      this.#born.delete(edge);
      if (this.#born.size >= MOST) this.#born.delete(this.#born.keys().next().value as string);
      this.#born.set(edge, receivedAt);
      if (this.#othersWait || this.#waiting.has(edge)) this.#due.add(edge);
    }
    if (this.#due.size > 0) this.#wake();
  }

  #remember(edge: string): void {
    this.#waiting.delete(edge);
    if (this.#waiting.size >= MOST) {
      this.#waiting.delete(this.#waiting.keys().next().value as string);
      this.#othersWait = true;
    }
    this.#waiting.add(edge);
  }

  #wake(): void {
    if (this.#running !== null || this.#stopped.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#allDue || this.#due.size > 0) this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    await pause(PAUSE, signal);
    const [all, edges] = [this.#allDue, [...this.#due]];
    this.#allDue = false;
    this.#due.clear();
    try {
      if (all) this.#othersWait = (await this.#replay({ ...ALL_LETTERS, code: CODE })) > 0;
      else
        for (const edge of edges) await this.#replay({ ...ALL_LETTERS, code: CODE, topic: topicsOf(edge) });
    } catch (error) {
      this.#logger.debug({ error }, 'Dead letters that waited for a birth could not be replayed');
      this.#allDue ||= all;
      for (const edge of edges) this.#due.add(edge);
      await pause(RETRY, signal);
    }
  }

  /** Resolves to how many wait on. */
  async #replay(selection: LetterSelection): Promise<number> {
    const { signal } = this.#stopped;
    const replay = (dryRun: boolean) => this.#letters.replay(selection, { limit: null, dryRun }, signal);
    // Those that wait on are left alone, and nothing is noted in iot_audit.
    const tried = await replay(true);
    if (signal.aborted || tried.replayed === 0) return tried.failed;
    const { replayed, failed } = await replay(false);
    this.#logger.info(
      { replayed, failed, topic: selection.topic },
      'Dead letters were replayed after a birth',
    );
    return failed;
  }
}

function lettersOf(config: Config, edges: EdgeNodes): DeadLetters {
  return new DeadLetters(config, `birth of an edge node, by ${config.mqtt.client_id}`, edges);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {});
}
