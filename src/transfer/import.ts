import { TidegateError, WriteError } from '../errors.ts';
import type { Admission } from '../pipeline/admission.ts';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { derivedId, totalsOf } from '../pipeline/batch.ts';
import { BatchBuilder } from '../pipeline/batch-builder.ts';
import { SeriesRegistry } from '../pipeline/series-registry.ts';
import { store } from '../pipeline/storing.ts';
import type { Batch, BatchTotals, Sink } from '../pipeline/types.ts';
import {
  type ImportedDelivery,
  type ImportLedger,
  type ImportState,
  RecordHash,
} from '../postgres/import-ledger.ts';
import { compileMapping, type Mapping, type MappingOptions } from './mapping.ts';
import { ImportedRecord, RecordDecoder, type RecordLimits } from './record-decoder.ts';
import type { RecordReader, SourceRecord } from './records.ts';
import { Tallies } from './tallies.ts';

/** Where an import's points go, and how far it was before. */
export interface ImportStore {
  readonly state: ImportState;
  readonly sink: Sink;
  readonly ledger: ImportLedger;
  /** Of the records that are done with, from the source's first on; the ledger's own. */
  readonly hash: RecordHash;
  /** Folds the journal now and then. */
  maintain(): Promise<void>;
}

export interface ImportParts {
  readonly reader: RecordReader;
  readonly parts: AsyncIterable<Uint8Array>;
  readonly mapping: MappingOptions;
  readonly limits: RecordLimits;
  readonly admission: Admission;
  /** Null: a dry run. */
  readonly store: ImportStore | null;
  /** Rejected records after which it stops. */
  readonly maxErrors: number;
  readonly onProgress: (records: number, skipped: boolean) => void;
  readonly onRetry: (error: WriteError) => void;
}

/** What was read; counts of a whole source, also of records that an earlier run imported. */
export interface ImportOutcome {
  readonly mapping: Mapping | null;
  readonly records: number;
  /** Records that an earlier run imported. */
  readonly skipped: number;
  /** Records of which something was not stored. */
  readonly rejected: number;
  /** Values that could not become points. */
  readonly rejectedValues: number;
  /** Texts that were not to be stored. */
  readonly droppedTexts: number;
  readonly tallies: Tallies;
  /** Of a dry run, what would be; else empty. */
  readonly totals: BatchTotals;
  /** Of this run, before it was known whether they can be stored. */
  readonly firstRejects: readonly { readonly line: number; readonly code: string; readonly detail: string }[];
  readonly sample: readonly SamplePoint[];
  /** Why it ended. */
  readonly end: 'complete' | 'stopped' | 'errors';
}

export interface SamplePoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  /** Microseconds since 1970. */
  readonly timestamp: number;
}

/** Larger than a daemon's: nobody waits for a single point, and each transaction costs a wait for the disk. */
const BATCH_POINTS = 50_000;
/** While texts are written no other writer is at work. */
const BATCH_TEXTS = 5_000;
/** Of records and points in memory, roughly. */
const BATCH_BYTES = 32 * 2 ** 20;
/** Series in memory. */
const SERIES = 200_000;
const SAMPLE = 10;
const FIRST_REJECTS = 100;
/** Milliseconds between two times that the journal is folded. */
const MAINTENANCE = 5_000;

/** Reads a source to its end and stores what it has, from where an earlier run came to. One run. */
export class Import {
  readonly #parts: ImportParts;
  readonly #decoder: RecordDecoder;
  readonly #builder: BatchBuilder;
  readonly #tallies = new Tallies();
  /** Of the records that an earlier run imported; the ledger goes on with it. */
  readonly #hash: RecordHash;
  readonly #totals = emptyTotals();
  readonly #firstRejects: { line: number; code: string; detail: string }[] = [];
  readonly #sample: SamplePoint[] = [];
  readonly #halted = new AbortController();
  #mapping: Mapping | null = null;
  /** The first record that was read and not stored, as it was stopped. */
  #stoppedAt: number | null = null;
  #records = 0;
  #characters = 0;
  #sealedTexts = 0;
  #rejected: number;
  /** Of a dry run, in batches. */
  #refused = 0;
  #droppedTexts = 0;
  #writing: Promise<void> = Promise.resolve();
  #maintained = performance.now();

  constructor(parts: ImportParts) {
    this.#parts = parts;
    this.#hash = parts.store?.hash ?? new RecordHash();
    this.#decoder = new RecordDecoder(parts.limits);
    this.#builder = new BatchBuilder(this.#decoder, new SeriesRegistry(SERIES), parts.admission, () => {
      this.#droppedTexts++;
    });
    this.#rejected = parts.store?.state.rejected ?? 0;
  }

  /** `signal` ends it at once. Throws a TidegateError; what was stored until then stays so. */
  async run(signal: AbortSignal): Promise<ImportOutcome> {
    const { reader, parts, store: to } = this.#parts;
    const before = to?.state.position ?? 0;
    let end: ImportOutcome['end'] = 'complete';
    let isFirst = true;
    const its = { startedAt: Date.now() * 1000 };
    try {
      reading: for await (const records of reader.read(parts)) {
        this.#mapping ??= this.#mappingOf(records);
        // Fields that another column names are others.
        if (isFirst && reader.columns !== null) this.#hash.add([{ text: JSON.stringify(reader.columns) }]);
        isFirst = false;
        for (const record of records) {
          const isNew = this.#records >= before;
          this.#decoder.take(record, this.#mapping);
          const faults = this.#decoder.rejected;
          this.#builder.add(new ImportedRecord(record, this.#records++, its));
          if (isNew && this.#decoder.rejected > faults) this.#rejected++;
          const isOver = isNew && this.#rejected > this.#parts.maxErrors;
          if (!isOver && !this.#isFull(record.text.length) && this.#records !== before) continue;
          await this.#seal(isNew, signal);
          if (this.#records === before) this.#assertSame(before);
          if (isOver) end = 'errors';
          else if (signal.aborted) end = 'stopped';
          if (end !== 'complete') break reading;
        }
      }
      if (this.#records < before) this.#assertSame(before);
      if (this.#builder.messages > 0 && end === 'complete') await this.#seal(true, signal);
      await this.#writing;
    } catch (error) {
      const failure = await this.#failure(error);
      // The source was waited for; what was read of it since the last batch is read again the next time.
      if (!signal.aborted || !isAbort(failure)) throw failure;
      this.#stoppedAt ??= this.#records - this.#builder.messages;
    }
    if (to !== null) this.#rejected = to.ledger.rejected;
    if (this.#stoppedAt !== null) end = 'stopped';
    if (this.#rejected > this.#parts.maxErrors) end = 'errors';
    const records = this.#stoppedAt ?? this.#records;
    return {
      mapping: this.#mapping,
      records,
      skipped: Math.min(before, records),
      rejected: this.#rejected,
      rejectedValues: this.#decoder.rejected,
      droppedTexts: this.#droppedTexts,
      tallies: this.#tallies,
      totals: this.#totals,
      firstRejects: this.#firstRejects,
      sample: this.#sample,
      end,
    };
  }

  /** Null where no record is one: they name the columns, or say what is named in each. */
  #mappingOf(records: readonly SourceRecord[]): Mapping | null {
    const readable = records.find(({ fields }) => fields !== null);
    if (readable === undefined) return null;
    const first = Object.keys(readable.fields as object);
    return compileMapping(this.#parts.mapping, this.#parts.reader.columns, first);
  }

  /** `more`: characters that the last record has. */
  #isFull(more: number): boolean {
    this.#characters += more;
    const { points, messages, bytes } = this.#builder;
    if (this.#decoder.texts - this.#sealedTexts >= BATCH_TEXTS) return true;
    return points >= BATCH_POINTS || messages >= BATCH_POINTS || bytes + this.#characters >= BATCH_BYTES;
  }

  async #seal(isNew: boolean, signal: AbortSignal): Promise<void> {
    this.#characters = 0;
    this.#sealedTexts = this.#decoder.texts;
    const batch = this.#builder.seal();
    this.#tallies.add(batch);
    this.#parts.onProgress(this.#records, !isNew);
    if (!isNew) {
      this.#hash.add(batch.deliveries as ImportedDelivery[]);
      this.#builder.release(batch);
      return;
    }
    this.#note(batch);
    const { store: to } = this.#parts;
    if (to === null) {
      const totals = totalsOf(batch);
      totals.points.stored = batch.points.length + batch.texts.length;
      // Also those that the decoder saw nothing wrong with: times of the future.
      this.#refused += batch.deadLetters.length;
      this.#rejected = Math.max(this.#rejected, this.#refused);
      addTotals(this.#totals, totals);
      this.#builder.release(batch);
      return;
    }
    // While one is written the next is read.
    await this.#writing;
    this.#halted.signal.throwIfAborted();
    const first = (batch.deliveries[0] as ImportedDelivery).position;
    this.#writing = this.#write({ ...batch, id: derivedId(`import ${to.state.id} ${first}`) }, to, signal);
    this.#writing.catch(() => this.#halted.abort());
  }

  async #write(batch: Batch, to: ImportStore, signal: AbortSignal): Promise<void> {
    const left = await store(
      batch,
      {
        sink: to.sink,
        onFailure: (error) => this.#parts.onRetry(error),
        onStored: (part) => to.ledger.stored(part),
      },
      signal,
    ).finally(() => this.#builder.release(batch));
    // What was under way is stored as a whole or not at all, and is looked up the next time.
    const [first] = left;
    if (first !== undefined) this.#stoppedAt ??= (first.deliveries[0] as ImportedDelivery).position;
    // The database may refuse what the decoder saw nothing wrong with.
    this.#rejected = Math.max(this.#rejected, to.ledger.rejected);
    if (performance.now() - this.#maintained < MAINTENANCE) return;
    await to.maintain().catch(() => {});
    this.#maintained = performance.now();
  }

  #note(batch: Batch): void {
    for (const { messageIndex, code, detail } of batch.deadLetters) {
      if (this.#firstRejects.length === FIRST_REJECTS) break;
      const { line } = batch.deliveries[messageIndex] as ImportedDelivery;
      this.#firstRejects.push({ line, code, detail });
    }
    for (const columns of [batch.points, batch.texts]) {
      for (let row = 0; row < columns.length && this.#sample.length < SAMPLE; row++) {
        const { deviceId, metricName } = batch.series[
          columns.seriesIndex[row] as number
        ] as (typeof batch.series)[0];
        const value = columns.value[row] as number | string;
        this.#sample.push({ deviceId, metricName, value, timestamp: columns.timestamp[row] as number });
      }
    }
  }

  /** Throws `import_changed` where the records until `position` are not those that an earlier run imported. */
  #assertSame(position: number): void {
    const n = (count: number): string => count.toLocaleString('en-US');
    if (this.#records < position)
      throw new TidegateError(
        'import_changed',
        `it has ${n(this.#records)} records; ${n(position)} were imported before`,
      );
    if (this.#parts.store?.state.digest.equals(this.#hash.digest()) === true) return;
    throw new TidegateError(
      'import_changed',
      `its first ${n(position)} records are not those that were imported before`,
    );
  }

  /** What went wrong first: reading goes on for a while after a write that failed. */
  async #failure(error: unknown): Promise<unknown> {
    let cause = error;
    try {
      await this.#writing;
    } catch (failed) {
      cause = failed;
    }
    if (cause instanceof TidegateError) return cause;
    if (cause instanceof WriteError) return new TidegateError('import_failed', cause.message, { cause });
    return cause;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof TidegateError && (error.cause as Error | undefined)?.name === 'AbortError';
}
