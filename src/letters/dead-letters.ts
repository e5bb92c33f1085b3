import type { Client } from 'pg';
import { decodeLimits, pipelineOptions, sinkOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { topicFilter, topicMistake } from '../config/topic.ts';
import { createDecoder } from '../decode/decoder.ts';
import type { EdgeNodes } from '../decode/sparkplug/edge-nodes.ts';
import { DEAD_LETTERS, TidegateError } from '../errors.ts';
import { ArrivedPoints } from '../postgres/arrived-points.ts';
import { recordCorrection } from '../postgres/correction.ts';
import { countSelected, dropLetters } from '../postgres/dead-letter-drop.ts';
import { letterPages, type ReturnedLetter } from '../postgres/dead-letter-pages.ts';
import {
  findLetter,
  groupLetters,
  type LetterGroup,
  type LetterHead,
  listLetters,
  payloadParts,
} from '../postgres/dead-letter-reading.ts';
import { LettersReturned } from '../postgres/dead-letter-return.ts';
import { ALL_LETTERS, type LetterSelection } from '../postgres/dead-letter-selection.ts';
import { engineOf } from '../postgres/engine-choice.ts';
import { type SchemaNames, schemaNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';
import { PostgresSink } from '../postgres/sink.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';
import { knownEdges } from './known-edges.ts';
import { Replay, type ReplayReport } from './replay.ts';

export interface DropReport {
  /** Whether nothing was changed. */
  readonly dry_run: boolean;
  readonly dropped: number;
}

/** At most so many letters, the oldest; `dryRun` changes nothing. */
export interface LetterOrder {
  readonly limit: number | null;
  readonly dryRun: boolean;
}

/** What people do with dead letters, over a connection of its own each time. `actor`: who, for the audit. */
export class DeadLetters {
  readonly #config: Config;
  readonly #names: SchemaNames;
  readonly #actor: string;
  readonly #edges: EdgeNodes | null;

  /** `edges`: what is known of edge nodes; default: what the database has. */
  constructor(config: Config, actor: string, edges: EdgeNodes | null = null) {
    this.#config = config;
    this.#names = schemaNames(config.database.schema);
    this.#actor = actor;
    this.#edges = edges;
  }

  /** By reason, the most frequent first. Every method throws a TidegateError; this one and the next also `usage`. */
  async groups(selection: LetterSelection): Promise<LetterGroup[]> {
    const meant = understood(selection);
    return await this.#connected((client) => groupLetters(client, this.#names, meant));
  }

  /** The latest first; `before` is an id. */
  async list(selection: LetterSelection, limit: number, before: number | null = null): Promise<LetterHead[]> {
    const meant = understood(selection);
    return await this.#connected((client) => listLetters(client, this.#names, meant, limit, before));
  }

  /** `work` gets the first `bytes` of the payload, in parts. Throws `dead_letter_unknown`. */
  async show<T>(
    id: number,
    bytes: number,
    work: (head: LetterHead, payload: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T> {
    return await this.#connected(async (client) => {
      const head = await findLetter(client, this.#names, id);
      return await work(head, payloadParts(client, this.#names, id, bytes));
    });
  }

  /** Hands over the latest `limit` letters, the oldest of them first, until it is told false. */
  async latest(limit: number, each: (letter: ReturnedLetter) => boolean, signal: AbortSignal): Promise<void> {
    await this.#connected(async (client) => {
      const heads = await listLetters(client, this.#names, ALL_LETTERS, limit);
      const ids = heads.map((head) => head.dead_letter_id);
      for await (const page of letterPages(client, this.#names, { ...ALL_LETTERS, ids }, ids.length)) {
        for (const letter of page) if (!each(letter) || signal.aborted) return;
      }
    });
  }

  /** Through the routes of this configuration, into the original time. `signal` ends it after a batch. */
  async replay(
    selection: LetterSelection,
    { limit, dryRun }: LetterOrder,
    signal: AbortSignal,
  ): Promise<ReplayReport> {
    const meant = understood(selection);
    return await this.#connected(async (client) => {
      const pages = letterPages(client, this.#names, meant, limit ?? Number.POSITIVE_INFINITY);
      const edges = await this.#knownEdges(client);
      const decoder = createDecoder(this.#config.routes, decodeLimits(this.#config), edges);
      const { admission } = pipelineOptions(this.#config);
      if (dryRun) return await new Replay({ decoder, admission, storing: null }).run(pages, signal);
      const sink = await this.#sink(client, selection);
      try {
        const arrived = new ArrivedPoints(this.#names);
        const replay = new Replay({ decoder, admission, storing: { sink, arrived, client } });
        const report = await replay.run(pages, signal);
        await sink.maintain().catch(() => {});
        return report;
      } finally {
        await sink.close();
      }
    });
  }

  /** `signal` ends it after a batch. */
  async drop(
    selection: LetterSelection,
    { limit, dryRun }: LetterOrder,
    signal: AbortSignal,
  ): Promise<DropReport> {
    const meant = understood(selection);
    return await this.#connected(async (client) => {
      const most = limit ?? Number.MAX_SAFE_INTEGER;
      if (dryRun) {
        const letters = await countSelected(client, this.#names, meant);
        return { dry_run: true, dropped: Math.min(letters, most) };
      }
      const auditId = await this.#audit(client, 'drop dead letters', selection, { dropped: 0 });
      const dropped = await dropLetters(client, this.#names, meant, most, auditId, signal);
      return { dry_run: false, dropped };
    });
  }

  /**
   * Counts as a client of its own: the daemon's account stays what happened at the receipt. A point that is there stays,
   * whatever ingest.on_duplicate says: it may have come after the letter.
   */
  async #sink(client: Client, selection: LetterSelection): Promise<PostgresSink> {
    const engine = await engineOf(client, this.#names, this.#config.database.engine);
    const options = sinkOptions(this.#config, engine);
    const counts = { replayed: 0, failed: 0 };
    const auditId = await this.#audit(client, 'replay dead letters', selection, counts);
    return new PostgresSink({
      ...options,
      clientId: `${options.clientId} replay`,
      edgesOf: options.clientId,
      onDuplicate: 'keep_first',
      deadLetters: new LettersReturned(this.#names, auditId),
      textsAlone: true,
      describes: 'unknown',
    });
  }

  /** What the daemon of this configuration knows of edge nodes. */
  async #knownEdges(client: Client): Promise<EdgeNodes> {
    return this.#edges ?? (await knownEdges(this.#config, client));
  }

  async #audit(
    client: Client,
    action: string,
    { ids, ...rest }: LetterSelection,
    counts: Readonly<Record<string, number>>,
  ): Promise<number> {
    const subject = { ...rest, ids: ids === null ? null : ids.join() };
    return await recordCorrection(client, this.#names, { actor: this.#actor, action, subject, counts });
  }

  async #connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { url, statement_timeout: statementTimeout } = this.#config.database;
    const connection = { url, statementTimeout, applicationName: 'tidegate dead-letters' };
    try {
      return await withConnection(connection, work);
    } catch (error) {
      throw described(error);
    }
  }
}

/** With an MQTT filter for a topic of a route's. Throws `usage`. */
function understood(selection: LetterSelection): LetterSelection {
  const { code, topic } = selection;
  if (code !== null && !(code in DEAD_LETTERS)) {
    const all = Object.keys(DEAD_LETTERS).join(', ');
    throw new TidegateError(
      'usage',
      `${JSON.stringify(code)} is no reason of dead letters; there are: ${all}`,
    );
  }
  const mistake = topic === null ? null : topic === '' ? 'is empty' : topicMistake(topic);
  if (mistake !== null) throw new TidegateError('usage', `the topic ${JSON.stringify(topic)} ${mistake}`);
  return { ...selection, topic: topic === null ? null : topicFilter(topic) };
}

function described(error: unknown): unknown {
  const state = sqlstateOf(error);
  if (state === null) return error;
  const { message } = error as Error;
  const options = { cause: error };
  // Undefined table, column, schema.
  if (/^(42P01|42703|3F)/.test(state)) return new TidegateError('schema_missing', message, options);
  if (state.startsWith('22')) return new TidegateError('usage', message, options);
  return new TidegateError('replay_failed', message, options);
}
