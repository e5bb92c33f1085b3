import type { Client } from 'pg';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { totalsOf, withoutPoints } from '../pipeline/batch.ts';
import type { Batch, SessionStore, Sink, WriteReport } from '../pipeline/types.ts';
import { ChunkMap } from './chunk-map.ts';
import type { Chunks } from './chunks.ts';
import { committedBefore } from './committed-before.ts';
import { connect } from './connection.ts';
import { DenseStore, Unprepared } from './dense-store.ts';
import { type DeadLetterKeeper, DeadLetterStore } from './dead-letter-store.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import { Deletions } from './deletions.ts';
import { DirtyBuckets, dirtyMinutes } from './dirty-buckets.ts';
import { EdgeStore } from './edge-store.ts';
import { forgetDropped } from './dropped-chunks.ts';
import { HypertableChunks } from './hypertable-chunks.ts';
import { Journal } from './journal.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { isPlain, PlainBatches } from './plain-batches.ts';
import { PointStore } from './point-store.ts';
import { type RowRoom, RowRooms } from './row-room.ts';
import { sortRows } from './rows.ts';
import { SegmentPartitions } from './segment-partitions.ts';
import { SeriesCatalog } from './series-catalog.ts';
import { SeriesDescriptions } from './series-descriptions.ts';
import { joinedGains } from './series-gains.ts';
import { SeriesHeads } from './series-heads.ts';
import { KeptConnections } from './kept-connections.ts';
import { type HeldRows, NOTHING_HELD, type SinkOptions } from './sink-options.ts';
import { actionFor, sqlstateOf } from './sqlstate.ts';
import { rememberLatest, textRows } from './text-rows.ts';
import { rethrown } from './write-errors.ts';

interface BeginRow {
  readonly version: string;
  readonly dirty_before: string;
  readonly series_version: string;
}

/** A correction by hand came between the look-up of a batch's series and its transaction. */
class SeriesChanged extends Error {}

/** Milliseconds for what is asked of the ledger: a connection that leads nowhere is tried anew. */
const ANSWER = 10_000;

/** Milliseconds for work that a connection is lent for. */
const LENT = 30_000;

const UNIQUE_VIOLATION = '23505';

/**
 * Writes a batch in one transaction: points, texts, dead letters, its rows in the journal and the ledger. Resolves only after COMMIT.
 * Rejects with a WriteError that says what to do; the same batch may then be written again, and is stored once.
 */
export class PostgresSink implements Sink {
  readonly #options: SinkOptions;
  readonly #names: SchemaNames;
  readonly #chunks: Chunks;
  readonly #catalog: SeriesCatalog;
  readonly #store: PointStore;
  /** Null where the engine has no segments of ours. */
  readonly #dense: DenseStore | null;
  readonly #deletions: Deletions;
  readonly #dirty: DirtyBuckets;
  readonly #deadLetters: DeadLetterKeeper;
  readonly #journal: Journal;
  readonly #deliveries: DeliveryLedger;
  readonly #edges: EdgeStore;
  readonly #plain: PlainBatches;
  readonly #begin: string;
  readonly #beginAlone: string;
  readonly #connections: KeptConnections;
  readonly #rooms = new RowRooms();
  /** Batches whose COMMIT was sent and not answered. */
  readonly #inDoubt = new Set<string>();
  /** Rows of the journal that were there when the totals were first read: earlier lives wrote them. */
  #earlier: ReadonlySet<string> | null = null;
  /** Whether the last batch had keys that were there: then the next one does not try COPY first. */
  #expectDuplicates = false;
  /** The watermark of aggregates as it was last seen. */
  #dirtyBefore = Number.POSITIVE_INFINITY;

  constructor(options: SinkOptions) {
    const names = schemaNames(options.schema);
    this.#options = options;
    this.#names = names;
    this.#connections = new KeptConnections(() => this.#connect());
    const partitions = new SegmentPartitions(names);
    const heads = new SeriesHeads(names, () => partitions.forget());
    const map =
      options.engine === 'timescaledb'
        ? null
        : new ChunkMap(names, options.chunks, () => Date.now() * 1000, heads);
    this.#chunks = map ?? new HypertableChunks(names);
    const { describes = 'newest', onUnitChange = () => {} } = options;
    const descriptions = new SeriesDescriptions(names, describes === 'newest', onUnitChange);
    this.#catalog = new SeriesCatalog(names, options.maxSeries, descriptions);
    const store = new PointStore(names, this.#chunks, options.onDuplicate);
    this.#store = store;
    this.#dense =
      map === null
        ? null
        : new DenseStore(names, {
            chunks: map,
            heads,
            partitions,
            store,
            minPoints: options.denseFrom ?? 16,
          });
    this.#deletions = new Deletions(names);
    this.#dirty = new DirtyBuckets(names);
    this.#deadLetters = options.deadLetters ?? new DeadLetterStore(names, options.clientId);
    this.#journal = new Journal(names, options.clientId, options.foldAfter);
    this.#deliveries = new DeliveryLedger(names, options.clientId);
    this.#edges = new EdgeStore(names, options.edgesOf ?? options.clientId);
    this.#plain = new PlainBatches(
      options,
      names,
      this.#chunks,
      this.#journal,
      this.#deliveries,
      this.#dense,
    );
    this.#begin = withNames(
      `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared(:"internal".chunk_map_lock());
       SELECT version, series_version, extract(epoch FROM dirty_before) * 1000000 AS dirty_before FROM :"internal".chunk_map`,
      names,
    );
    this.#beginAlone = this.#begin.replace('xact_lock_shared', 'xact_lock');
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteReport> {
    const work = async (client: Client): Promise<WriteReport> => {
      const report = await this.#write(client, batch);
      // Nobody hears of it any more.
      if (signal.aborted) this.#inDoubt.add(batch.id);
      return report;
    };
    return await this.#connections.use(work, signal).catch(rethrown);
  }

  /** Folds the journal and opens the next chunks; to be called every few seconds. `held` is asked once rows were seen. */
  async maintain(held: () => HeldRows = () => NOTHING_HELD, signal?: AbortSignal): Promise<void> {
    await this.#connections
      .use(async (client) => {
        await this.#journal.fold(client, (batchId, record) => {
          const rows = held();
          if (rows.records.has(batchId) || (record !== null && rows.records.has(record))) return false;
          return !this.#inDoubt.has(batchId) && !(rows.earlier && this.#earlier?.has(batchId) === true);
        });
        await this.#deliveries.prune(client);
        // Batches of known series do without this table: that somebody dropped it must not wait for a new one.
        await client.query(withNames('SELECT FROM :"internal".series LIMIT 0', this.#names));
        await this.#chunks.openAhead(client);
      }, signal)
      .catch(rethrown);
  }

  /** The ledger of deliveries; what it forgets is deleted by `maintain`. */
  get sessions(): SessionStore {
    const within = <T>(work: (client: Client) => Promise<T>): Promise<T> =>
      this.#connections.use(work, AbortSignal.timeout(ANSWER)).catch(rethrown);
    return {
      load: () => within((client) => this.#deliveries.load(client)),
      begin: (epoch) => within((client) => this.#deliveries.begin(client, epoch)),
      subscribed: (filters) => within((client) => this.#deliveries.subscribed(client, filters)),
      forget: (epoch, below) => this.#deliveries.forget(epoch, below),
    };
  }

  /** What this client id committed so far; to be asked a first time before the first write. */
  async totals(): Promise<Pick<Awaited<ReturnType<Journal['totals']>>, 'since' | 'totals'>> {
    const { since, totals, batchIds } = await this.#connections
      .use((client) => this.#journal.totals(client))
      .catch(rethrown);
    this.#earlier ??= new Set(batchIds);
    return { since, totals };
  }

  /** A connection for other work of the same process. Rejects with a WriteError. */
  async lend<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return await this.#connections.use(work, AbortSignal.timeout(LENT)).catch(rethrown);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #connect(): Promise<Client> {
    const { url, statementTimeout, clientId, engine, connect: open = connect } = this.#options;
    const client = await open({ url, statementTimeout, applicationName: `tidegate ${clientId}` });
    // Of a batch that is one statement: each part of it sees what was committed before that part.
    await client.query(`SET default_transaction_isolation = 'read committed'`);
    // A late point may have to unpack any number of compressed ones.
    if (engine === 'timescaledb')
      await client.query('SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0');
    return client;
  }

  async #write(client: Client, whole: Batch): Promise<WriteReport> {
    const seriesVersion = this.#catalog.version;
    const { batch: wanted, series, deleted } = await this.#deletions.without(client, whole);
    const refusedSeries = await this.#catalog.resolve(client, series);
    const batch =
      refusedSeries.size === 0
        ? wanted
        : withoutPoints(
            wanted,
            (index) => refusedSeries.has(whole.series[index] as (typeof whole.series)[number]),
            'series_limit',
            `more than ${this.#options.maxSeries} series`,
          );
    const doubtful = batch.records.length > 0 || this.#inDoubt.has(batch.id);
    const known = doubtful ? await this.#lookUp(client, batch) : null;
    if (known !== null) return known;
    for (let copy = !this.#expectDuplicates; ; copy = false) {
      const { version } = this.#chunks;
      try {
        const report =
          (copy ? await this.#writePlain(client, batch, seriesVersion) : null) ??
          (await this.#rooms.lend((room) => this.#transaction(client, batch, copy, seriesVersion, room)));
        const { duplicate, conflict } = report.totals.points;
        this.#expectDuplicates = duplicate + conflict > 0;
        const decoded = new Set(whole.deadLetters.map(({ messageIndex }) => messageIndex));
        return {
          ...report,
          deleted,
          refused: batch.deadLetters.filter(({ messageIndex }) => !decoded.has(messageIndex)),
        };
      } catch (error) {
        if (error instanceof SeriesChanged) return await this.#write(client, whole);
        if (error instanceof Unprepared && this.#dense !== null) {
          await client.query('ROLLBACK');
          await this.#dense.prepare(client, error);
          return await this.#write(client, whole);
        }
        // The server undid this attempt; an earlier one may yet be committing.
        if (!doubtful && actionFor(sqlstateOf(error)) !== 'retry') this.#inDoubt.delete(batch.id);
        await forgetDropped(client, this.#names, version, error);
        if (sqlstateOf(error) !== UNIQUE_VIOLATION) throw error;
        await client.query('ROLLBACK');
        const late = await this.#lookUp(client, batch);
        if (late !== null) return late;
        if (!copy) throw error;
      }
    }
  }

  /** In one statement, which is its own COMMIT; null where the batch or the database is not as that needs it. */
  async #writePlain(client: Client, batch: Batch, seriesVersion: number): Promise<WriteReport | null> {
    if (this.#options.deadLetters !== undefined || !isPlain(batch)) return null;
    this.#inDoubt.add(batch.id);
    const written = await this.#plain.write(client, batch, {
      seriesVersion,
      watermark: this.#dirtyBefore,
      spoolRecord: this.#recordOf(batch),
    });
    return written && { ...this.#settled(batch.id, written.totals), expired: written.expired };
  }

  async #transaction(
    client: Client,
    batch: Batch,
    copy: boolean,
    seriesVersion: number,
    room: RowRoom,
  ): Promise<WriteReport> {
    const dirtyBefore = await this.#begun(
      client,
      seriesVersion,
      batch.points.timestamp.subarray(0, batch.points.length),
      batch.texts.timestamp,
    );
    await this.#deadLetters.begin(client, batch);
    const { onDuplicate } = this.#options;
    const rows = sortRows(batch, onDuplicate, this.#chunks.cut('points'), room);
    const texts = textRows(batch, onDuplicate, this.#chunks.cut('texts'));
    const points = await (this.#dense ?? this.#store).storePoints(client, rows, copy);
    await this.#dirty.record(client, batch.id, dirtyMinutes(rows, dirtyBefore));
    const stored = await this.#store.storeTexts(client, texts.rows);
    await this.#deadLetters.keep(client, batch);
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
    await this.#journal.record(client, {
      batchId: batch.id,
      spoolRecord: this.#recordOf(batch),
      totals,
      gains: joinedGains([points.gains, stored.gains]),
      repeats: [...rows.repeats, ...texts.repeats, ...points.repeats, ...stored.repeats],
    });
    const others = batch.records.slice(1).map(({ id }) => id);
    if (others.length > 0) await this.#journal.recordAlongside(client, others);
    await this.#deliveries.record(client, batch.id, batch.deliveries);
    await this.#edges.record(client, batch.edgeEvents ?? []);
    this.#inDoubt.add(batch.id);
    await client.query('COMMIT');
    rememberLatest(texts.latest);
    return { ...this.#settled(batch.id, totals), unchanged: texts.unchanged, expired };
  }

  /** The report of a batch that was committed before (`committedBefore`). */
  async #lookUp(client: Client, batch: Batch): Promise<WriteReport | null> {
    const isEarlier = (batchId: string) => this.#earlier?.has(batchId) === true;
    const found = await committedBefore(client, this.#journal, batch, isEarlier);
    if (found === null) return null;
    rememberLatest(textRows(batch, this.#options.onDuplicate).latest);
    return { ...this.#settled(batch.id, found.totals), earlier: found.earlier };
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
    const begin = this.#options.textsAlone === true && textTimes.length > 0 ? this.#beginAlone : this.#begin;
    for (;;) {
      if (this.#chunks.version < 0) await this.#chunks.reload(client);
      await this.#chunks.open(client, 'points', times);
      await this.#chunks.open(client, 'texts', textTimes);
      const results = (await client.query(begin)) as unknown as { rows: BeginRow[] }[];
      const [row] = results.at(-1)?.rows ?? [];
      const sameSeries = Number(row?.series_version) === seriesVersion;
      this.#dirtyBefore = Number(row?.dirty_before);
      if (sameSeries && Number(row?.version) === this.#chunks.version) return this.#dirtyBefore;
      await client.query('ROLLBACK');
      if (!sameSeries) {
        this.#catalog.changed(Number(row?.series_version));
        throw new SeriesChanged();
      }
      await this.#chunks.reload(client);
    }
  }

  /** As the journal's row names it. */
  #recordOf(batch: Batch): string | null {
    return batch.records[0]?.id ?? (this.#options.spools === true ? batch.id : null);
  }

  #settled(batchId: string, totals: WriteReport['totals']): WriteReport {
    this.#inDoubt.delete(batchId);
    return { totals, refused: [], unchanged: 0, expired: 0 };
  }
}
