import type { Client } from 'pg';
import { WriteError } from '../errors.ts';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { totalsOf, withoutPoints } from '../pipeline/batch.ts';
import type { Batch, SessionStore, Sink, WriteReport } from '../pipeline/types.ts';
import { type AccountDetail, type AccountQuery, accountDetail } from './account.ts';
import { ChunkMap, type ChunkPolicy } from './chunk-map.ts';
import type { Chunks } from './chunks.ts';
import { connect } from './connection.ts';
import { DeadLetterStore } from './dead-letter-store.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import { DirtyBuckets, dirtyMinutes } from './dirty-buckets.ts';
import type { EngineName } from './engine-choice.ts';
import { HypertableChunks } from './hypertable-chunks.ts';
import { Journal } from './journal.ts';
import { schemaNames, withNames } from './names.ts';
import { PointStore } from './point-store.ts';
import { type OnDuplicate, sortRows } from './rows.ts';
import { SeriesCatalog } from './series-catalog.ts';
import { actionFor, sqlstateOf } from './sqlstate.ts';
import { rememberLatest, textRows } from './text-rows.ts';

export interface SinkOptions {
  readonly url: string;
  readonly schema: string;
  readonly clientId: string;
  /** Milliseconds. */
  readonly statementTimeout: number;
  readonly onDuplicate: OnDuplicate;
  readonly maxSeries: number;
  readonly chunks: ChunkPolicy;
  /** As recorded in the database. Default: postgres. */
  readonly engine?: EngineName;
}

interface BeginRow {
  readonly version: string;
  readonly dirty_before: string;
  readonly series_version: string;
}

/** A correction by hand came between the look-up of a batch's series and its transaction. */
class SeriesChanged extends Error {}

const UNIQUE_VIOLATION = '23505';

/**
 * Writes a batch in one transaction: points, texts, dead letters, its rows in the journal and the ledger. Resolves only after COMMIT.
 * Rejects with a WriteError that says what to do; the same batch may then be written again, and is stored once.
 */
export class PostgresSink implements Sink {
  readonly #options: SinkOptions;
  readonly #chunks: Chunks;
  readonly #catalog: SeriesCatalog;
  readonly #store: PointStore;
  readonly #dirty: DirtyBuckets;
  readonly #deadLetters: DeadLetterStore;
  readonly #journal: Journal;
  readonly #deliveries: DeliveryLedger;
  readonly #begin: string;
  readonly #idle: Client[] = [];
  readonly #busy = new Set<Client>();
  /** Batches whose COMMIT was sent and not answered. */
  readonly #inDoubt = new Set<string>();
  /** Whether the last batch had keys that were there: then the next one does not try COPY first. */
  #expectDuplicates = false;

  constructor(options: SinkOptions) {
    const names = schemaNames(options.schema);
    this.#options = options;
    this.#chunks =
      options.engine === 'timescaledb'
        ? new HypertableChunks(names)
        : new ChunkMap(names, options.chunks, () => Date.now() * 1000);
    this.#catalog = new SeriesCatalog(names, options.maxSeries);
    this.#store = new PointStore(names, this.#chunks, options.onDuplicate);
    this.#dirty = new DirtyBuckets(names);
    this.#deadLetters = new DeadLetterStore(names, options.clientId);
    this.#journal = new Journal(names, options.clientId);
    this.#deliveries = new DeliveryLedger(names, options.clientId);
    this.#begin = withNames(
      `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared(:"internal".chunk_map_lock());
       SELECT version, series_version, extract(epoch FROM dirty_before) * 1000000 AS dirty_before FROM :"internal".chunk_map`,
      names,
    );
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteReport> {
    return await this.#withClient(async (client) => {
      signal.throwIfAborted();
      const abort = () => void client.end().catch(() => {});
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await this.#write(client, batch);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    });
  }

  /** Folds the journal and opens the next chunks; to be called every few seconds. */
  async maintain(): Promise<void> {
    await this.#withClient(async (client) => {
      await this.#journal.fold(client, (batchId) => !this.#inDoubt.has(batchId));
      await this.#deliveries.prune(client);
      await this.#chunks.openAhead(client);
    });
  }

  /** The ledger of deliveries; what it forgets is deleted by `maintain`. */
  get sessions(): SessionStore {
    return {
      load: () => this.#withClient((client) => this.#deliveries.load(client)),
      begin: (epoch) => this.#withClient((client) => this.#deliveries.begin(client, epoch)),
      forget: (epoch, below) => this.#deliveries.forget(epoch, below),
    };
  }

  /** What this client id committed so far. */
  async totals(): ReturnType<Journal['totals']> {
    return await this.#withClient((client) => this.#journal.totals(client));
  }

  /** The account in detail. */
  async account(wanted: AccountQuery): Promise<AccountDetail> {
    const { schema, clientId } = this.#options;
    return await this.#withClient((client) => accountDetail(client, schemaNames(schema), clientId, wanted));
  }

  async close(): Promise<void> {
    const clients = [...this.#idle.splice(0), ...this.#busy];
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }

  /** A connection of its own for each caller: kept after success, thrown away after any failure. */
  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    let client: Client | undefined;
    try {
      client = this.#idle.pop() ?? (await this.#connect());
      this.#busy.add(client);
      const result = await work(client);
      this.#idle.push(client);
      return result;
    } catch (error) {
      void client?.end().catch(() => {});
      throw describeWriteError(error);
    } finally {
      if (client !== undefined) this.#busy.delete(client);
    }
  }

  async #connect(): Promise<Client> {
    const { url, statementTimeout, clientId, engine } = this.#options;
    const client = await connect({ url, statementTimeout, applicationName: `tidegate ${clientId}` });
    // A late point may have to unpack any number of compressed ones.
    if (engine === 'timescaledb')
      await client.query('SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0');
    // A connection that broke while idle is not handed out again.
    client.once('end', () => {
      const index = this.#idle.indexOf(client);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return client;
  }

  async #write(client: Client, whole: Batch): Promise<WriteReport> {
    const seriesVersion = this.#catalog.version;
    const refusedSeries = await this.#catalog.resolve(client, whole.series);
    const batch =
      refusedSeries.size === 0
        ? whole
        : withoutPoints(
            whole,
            (index) => refusedSeries.has(whole.series[index] as (typeof whole.series)[number]),
            'series_limit',
            `more than ${this.#options.maxSeries} series`,
          );
    const known = this.#inDoubt.has(batch.id) ? await this.#lookUp(client, batch) : null;
    if (known !== null) return known;
    for (let copy = !this.#expectDuplicates; ; copy = false) {
      try {
        const report = await this.#transaction(client, batch, copy, seriesVersion);
        const { duplicate, conflict } = report.totals.points;
        this.#expectDuplicates = duplicate + conflict > 0;
        const decoded = new Set(whole.deadLetters.map(({ messageIndex }) => messageIndex));
        return {
          ...report,
          refused: batch.deadLetters.filter(({ messageIndex }) => !decoded.has(messageIndex)),
        };
      } catch (error) {
        if (error instanceof SeriesChanged) return await this.#write(client, whole);
        if (sqlstateOf(error) !== UNIQUE_VIOLATION) throw error;
        await client.query('ROLLBACK');
        const late = await this.#lookUp(client, batch);
        if (late !== null) return late;
        if (!copy) throw error;
      }
    }
  }

  async #transaction(
    client: Client,
    batch: Batch,
    copy: boolean,
    seriesVersion: number,
  ): Promise<WriteReport> {
    const dirtyBefore = await this.#begun(
      client,
      seriesVersion,
      batch.points.timestamp.subarray(0, batch.points.length),
      batch.texts.timestamp,
    );
    const { onDuplicate } = this.#options;
    const rows = sortRows(batch, onDuplicate, this.#chunks.cut('points'));
    const texts = textRows(batch, onDuplicate, this.#chunks.cut('texts'));
    const points = await this.#store.storePoints(client, rows, copy);
    await this.#dirty.record(client, batch.id, dirtyMinutes(rows, dirtyBefore));
    const stored = await this.#store.storeTexts(client, texts.rows);
    await this.#deadLetters.insert(client, batch);
    const expired = rows.expired + texts.expired;
    const totals = totalsOf(batch);
    addTotals(totals, {
      messages: emptyTotals().messages,
      points: {
        ...emptyTotals().points,
        stored: points.stored + stored.stored,
        duplicate: rows.duplicate + texts.duplicate + points.duplicate + stored.duplicate,
        conflict: rows.conflict + texts.conflict + points.conflict + stored.conflict,
        dropped: texts.unchanged + expired,
      },
    });
    await this.#journal.record(
      client,
      batch.id,
      totals,
      [...points.gains, ...stored.gains],
      [...rows.repeats, ...texts.repeats, ...points.repeats, ...stored.repeats],
    );
    await this.#deliveries.record(client, batch.id, batch.deliveries);
    this.#inDoubt.add(batch.id);
    await client.query('COMMIT');
    rememberLatest(texts.latest);
    return { ...this.#settled(batch.id, totals), unchanged: texts.unchanged, expired };
  }

  /** The report of a batch whose COMMIT took place although its answer was lost; null where it did not. */
  async #lookUp(client: Client, batch: Batch): Promise<WriteReport | null> {
    const totals = await this.#journal.find(client, batch.id);
    if (totals === null) return null;
    rememberLatest(textRows(batch, this.#options.onDuplicate).latest);
    return this.#settled(batch.id, totals);
  }

  /**
   * Begins the transaction under the map's lock, with a map that is right and the chunks that the times need. Resolves to
   * the time before which what is written makes an aggregate's bucket dirty, microseconds since 1970: whoever moves it
   * forward takes the lock alone first, so no transaction that saw the old one is under way then. Throws SeriesChanged.
   */
  async #begun(
    client: Client,
    seriesVersion: number,
    times: Float64Array,
    textTimes: readonly number[],
  ): Promise<number> {
    for (;;) {
      if (this.#chunks.version < 0) await this.#chunks.reload(client);
      await this.#chunks.open(client, 'points', times);
      await this.#chunks.open(client, 'texts', textTimes);
      const results = (await client.query(this.#begin)) as unknown as { rows: BeginRow[] }[];
      const [row] = results.at(-1)?.rows ?? [];
      const sameSeries = Number(row?.series_version) === seriesVersion;
      if (sameSeries && Number(row?.version) === this.#chunks.version) return Number(row?.dirty_before);
      await client.query('ROLLBACK');
      if (!sameSeries) {
        this.#catalog.changed(Number(row?.series_version));
        throw new SeriesChanged();
      }
      await this.#chunks.reload(client);
    }
  }

  #settled(batchId: string, totals: WriteReport['totals']): WriteReport {
    this.#inDoubt.delete(batchId);
    return { totals, refused: [], unchanged: 0, expired: 0 };
  }
}

function describeWriteError(error: unknown): WriteError {
  if (error instanceof WriteError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const sqlstate = sqlstateOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return new WriteError(isFault(error) ? 'isolate' : actionFor(sqlstate), sqlstate, text, { cause: error });
}

/** A mistake in this program rather than an answer of the server: the message that provokes it is set apart. */
function isFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
