import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Client } from 'pg';
import { decodeLimits, pipelineOptions, sinkOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { emptyTotals } from '../pipeline/balance-sheet.ts';
import { PatientSink } from '../pipeline/patient-sink.ts';
import type { BatchTotals } from '../pipeline/types.ts';
import { engineOf } from '../postgres/engine-choice.ts';
import { compareStored, type Comparison } from '../postgres/import-check.ts';
import {
  ImportLedger,
  type ImportReject,
  Imports,
  type ImportState,
  RecordHash,
} from '../postgres/import-ledger.ts';
import { schemaNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';
import { PostgresSink } from '../postgres/sink.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';
import { CsvRecords } from './csv-records.ts';
import { Import, type ImportOutcome, type ImportParts } from './import.ts';
import type { MappingOptions } from './mapping.ts';
import { NdjsonRecords } from './ndjson-records.ts';
import type { RecordReader } from './records.ts';
import type { ImportSource } from './sources.ts';

export interface ImportOrder {
  readonly source: ImportSource;
  readonly format: 'csv' | 'ndjson';
  /** Of CSV; empty: the one that the first line has. */
  readonly delimiter: string;
  readonly mapping: MappingOptions;
  readonly maxErrors: number;
  /** Whether the source is imported from its beginning, whatever was before. */
  readonly anew: boolean;
  /** Where rejected records are written to; null: nowhere. */
  readonly rejects: string | null;
}

export interface ImportReport {
  readonly outcome: ImportOutcome;
  /** What became of the points of the whole source, earlier runs included. */
  readonly totals: BatchTotals;
  /** What of that became of them in earlier runs. */
  readonly before: BatchTotals;
  readonly rejects: readonly Pick<ImportReject, 'line' | 'code' | 'detail'>[];
  /** Null: a dry run, or it was stopped. */
  readonly check: Check | null;
}

interface Check extends Comparison {
  /** Whether what lacks is accounted for: points that repeat others, that retention deletes, or that were refused. */
  readonly passed: boolean;
}

export type ImportEvents = Pick<ImportParts, 'onProgress' | 'onRetry'>;

/** Rejected records that are listed. */
const LISTED = 100;

/** Throws a TidegateError; what was stored until then stays so. */
export async function dryRun(
  config: Config,
  order: ImportOrder,
  events: ImportEvents,
  signal: AbortSignal,
): Promise<ImportReport> {
  const outcome = await new Import({
    ...common(config, order, readerOf(config, order), signal),
    ...events,
    store: null,
  }).run(signal);
  return {
    outcome,
    totals: outcome.totals,
    before: emptyTotals(),
    rejects: outcome.firstRejects,
    check: null,
  };
}

/** Throws a TidegateError; what was stored until then stays so, and the same order goes on from there. */
export async function importSource(
  config: Config,
  order: ImportOrder,
  events: ImportEvents,
  signal: AbortSignal,
): Promise<ImportReport> {
  const names = schemaNames(config.database.schema);
  const imports = new Imports(names);
  const reader = readerOf(config, order);
  const { name } = order.source;
  const state = await connected(config, async (client) => {
    const begun = await imports.begin(client, name ?? '-', planOf(order), order.anew || name === null);
    await imports.lock(client, begun);
    const engine = await engineOf(client, names, config.database.engine);
    return await run(begun, engine);
  });
  return await connected(config, (client) => finish(client, state));

  type Ran = { state: ImportState; outcome: ImportOutcome; totals: BatchTotals; before: BatchTotals };

  async function run(begun: ImportState, engine: Awaited<ReturnType<typeof engineOf>>): Promise<Ran> {
    const options = sinkOptions(config, engine);
    const hash = new RecordHash();
    const ledger = new ImportLedger(names, begun, hash, (record) => reader.line(record));
    const sink = new PostgresSink({
      ...options,
      clientId: `${options.clientId} import ${begun.id}`,
      deadLetters: ledger,
      textsAlone: true,
      // History is no news: a kind, a unit or tags that are known stay.
      describes: 'unknown',
    });
    try {
      // Its journal knows from the first batch on since when it counts.
      const { totals: before } = await sink.totals();
      const store = {
        state: begun,
        sink: new PatientSink(sink),
        ledger,
        hash,
        maintain: () => sink.maintain(undefined, signal),
      };
      const outcome = await new Import({ ...common(config, order, reader, signal), ...events, store }).run(
        signal,
      );
      await sink.maintain(undefined, signal).catch(() => {});
      return { state: begun, outcome, totals: (await sink.totals()).totals, before };
    } finally {
      await sink.close();
    }
  }

  async function finish(client: Client, { state: begun, ...ran }: Ran): Promise<ImportReport> {
    const { outcome, totals } = ran;
    const rejects = await imports.rejects(client, begun, LISTED);
    if (order.rejects !== null)
      await writeRejects(order.rejects, reader, imports.rejectedRecords(client, begun));
    if (outcome.end !== 'complete') return { ...ran, rejects, check: null };
    const comparison = await compareStored(client, names, outcome.tallies.all(), signal);
    if (comparison === null) return { ...ran, outcome: { ...outcome, end: 'stopped' }, rejects, check: null };
    await imports.finish(client, begun);
    return {
      ...ran,
      rejects,
      check: { ...comparison, passed: isExplained(comparison, outcome, totals) },
    };
  }
}

function isExplained(
  { lacking, other }: Comparison,
  { rejectedValues, droppedTexts }: ImportOutcome,
  { points }: BatchTotals,
): boolean {
  const { duplicate, conflict, dropped, dead_lettered: rejected } = points;
  const explained = duplicate + conflict + (dropped - droppedTexts) + (rejected - rejectedValues);
  return lacking <= explained && (other.length === 0 || conflict > 0);
}

function readerOf(config: Config, { format, delimiter }: ImportOrder): RecordReader {
  const { message_bytes: limit } = config.ingest.limits;
  return format === 'csv' ? new CsvRecords(limit, delimiter) : new NdjsonRecords(limit);
}

function common(
  config: Config,
  { source, mapping, maxErrors }: ImportOrder,
  reader: RecordReader,
  signal: AbortSignal,
) {
  const { nameLength, textLength } = decodeLimits(config);
  // History is old.
  const admission = { ...pipelineOptions(config).admission, maxAge: Number.POSITIVE_INFINITY };
  return {
    reader,
    parts: source.open(signal),
    mapping,
    limits: { nameLength, textLength },
    admission,
    maxErrors,
  };
}

/** Another way to read a source is another import. */
function planOf({ source, format, delimiter, mapping }: ImportOrder): string {
  return createHash('sha256')
    .update(JSON.stringify([source.name, format, delimiter, mapping]))
    .digest('hex');
}

async function writeRejects(
  path: string,
  reader: RecordReader,
  records: AsyncIterable<readonly string[]>,
): Promise<void> {
  const file = createWriteStream(path);
  const failed = once(file, 'error').then(([error]) => {
    throw new TidegateError('import_source', `the rejected records: ${(error as Error).message}`);
  });
  const written = (async () => {
    if (reader.head() !== '') file.write(`${reader.head()}\n`);
    for await (const lines of records)
      if (!file.write(lines.map((line) => `${line.replace(/\r?\n$/, '')}\n`).join('')))
        await once(file, 'drain');
    file.end();
    await once(file, 'close');
  })();
  await Promise.race([written, failed]);
}

async function connected<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const { url, statement_timeout: statementTimeout } = config.database;
  try {
    return await withConnection({ url, statementTimeout, applicationName: 'tidegate import' }, work);
  } catch (error) {
    throw described(error);
  }
}

function described(error: unknown): unknown {
  const state = sqlstateOf(error);
  if (state === null) return error;
  const { message } = error as Error;
  // Undefined table, column, schema.
  const missing = /^(42P01|42703|42883|3F)/.test(state);
  return new TidegateError(missing ? 'schema_missing' : 'import_failed', message, { cause: error });
}
