import type { Client } from 'pg';
import { TidegateError } from '../../errors.ts';
import { ChunkMap } from '../../postgres/chunk-map.ts';
import { type SchemaNames, schemaNames, withNames } from '../../postgres/names.ts';
import { withConnection } from '../../postgres/session.ts';
import type { Job, JobContext, JobReport } from '../../scheduler/types.ts';
import type { ChunkInfo, CompressionInfo, Engine, EngineOptions } from '../engine.ts';
import { applySeriesPolicies, versionOf } from '../series-policies.ts';
import { listChunks, listCompression } from './chunk-list.ts';
import { compressChunk, type NamedChunk } from './compaction.ts';
import { Compression } from './compression.ts';
import { decompressChunk } from './decompression.ts';
import { keepChunks } from './chunk-keeping.ts';
import { Pace } from './pace.ts';
import { refreshAggregates } from './refresh.ts';
import { Retention } from './retention.ts';
import { dropSeriesRows, recomputeSeries } from './series-rows.ts';

/** Milliseconds. */
const MINUTE = 60_000;

/**
 * The planner takes the many short looks of a refresh for a long query: compiling it would take longer than it takes. And
 * one core is enough for a job: the others are for those who write.
 */
const SESSION = 'SET jit = off; SET max_parallel_workers_per_gather = 0';

type Work = (client: Client, context: JobContext) => Promise<JobReport>;

/** Stock PostgreSQL: everything is done here, by tables and transactions. */
export class PostgresEngine implements Engine {
  readonly name = 'postgres';
  readonly #options: EngineOptions;
  readonly #names: SchemaNames;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  get jobs(): readonly Job[] {
    const { compression, retention, chunkInterval, levels, series } = this.#options;
    const often = Math.min(...Object.values(levels).map(({ scheduleInterval }) => scheduleInterval));
    return [
      this.#job('chunks', MINUTE, (client, context) =>
        keepChunks(client, this.#names, this.#chunkMap(), chunkInterval, context),
      ),
      // As often as the finest schedule says; which levels are due, each run sees.
      this.#job('aggregates', often, async (client, context) => {
        await applySeriesPolicies(client, this.#names, series, versionOf(series), context, {
          recompute: recomputeSeries,
          drop: dropSeriesRows,
        });
        const force = context.byHand === true;
        const budget = force ? Number.POSITIVE_INFINITY : often / 2;
        return await refreshAggregates(client, this.#names, { levels, budget, force }, context);
      }),
      ...(compression.enabled
        ? [
            this.#job('compression', compression.every, (client, context) =>
              new Compression(client, this.#names, context, (chunk, pace) =>
                this.#compress(chunk, context, pace),
              ).run(compression.after, levels),
            ),
          ]
        : []),
      this.#job('retention', retention.every, (client, context) =>
        new Retention(client, this.#names, context).apply(retention),
      ),
    ];
  }

  async chunks(): Promise<ChunkInfo[]> {
    return await this.#connected((client) => listChunks(client, this.#names));
  }

  async compression(): Promise<CompressionInfo[]> {
    return await this.#connected((client) => listCompression(client, this.#names));
  }

  async compress(name: string): Promise<JobReport> {
    return await this.#byHand(name, (_client, chunk, context) =>
      this.#compress(chunk, context, new Pace(context)),
    );
  }

  async decompress(name: string): Promise<JobReport> {
    return await this.#byHand(name, (client, chunk, context) =>
      decompressChunk(client, this.#names, chunk, context),
    );
  }

  #job(name: string, every: number, work: Work): Job {
    return {
      name,
      every,
      run: (context) => this.#connected((client) => work(client, context), context.signal),
    };
  }

  /** Under the number of whoever leads now: the job's row keeps the two apart. */
  async #byHand(
    name: string,
    work: (client: Client, chunk: NamedChunk, context: JobContext) => Promise<JobReport>,
  ): Promise<JobReport> {
    return await this.#connected(async (client) => {
      const { rows } = await client.query<{
        epoch: string;
        id: string;
        state: string;
        from: string;
        to: string;
      }>(
        withNames(
          `SELECT s.epoch, c.chunk_id AS id, c.state, c.range_start::text AS "from", c.range_end::text AS "to"
           FROM :"internal".chunks c, :"internal".scheduler s WHERE c.leaf = $1 AND c.source = 'points'`,
          this.#names,
        ),
        [name],
      );
      const [row] = rows;
      if (row === undefined) throw new TidegateError('chunk_unknown', `${name} is not a chunk of points`);
      const { epoch, ...chunk } = row;
      const context = { epoch: Number(epoch), signal: new AbortController().signal, byHand: true };
      return await work(client, { ...chunk, name }, context);
    });
  }

  async #compress(chunk: NamedChunk, context: JobContext, pace: Pace): Promise<JobReport> {
    const connected = <T>(work: (client: Client) => Promise<T>) => this.#connected(work, context.signal, 0);
    return await connected((reader) =>
      connected((writer) => compressChunk({ reader, writer }, this.#names, chunk, context, pace)),
    );
  }

  #chunkMap(): ChunkMap {
    return new ChunkMap(
      this.#names,
      { interval: this.#options.chunkInterval * 1000 },
      () => Date.now() * 1000,
    );
  }

  async #connected<T>(
    work: (client: Client) => Promise<T>,
    signal?: AbortSignal,
    statementTimeout: number = this.#options.statementTimeout,
  ): Promise<T> {
    const { url } = this.#options;
    const options = { url, statementTimeout, applicationName: 'tidegate jobs' };
    return await withConnection(
      options,
      async (client) => {
        await client.query(SESSION);
        return await work(client);
      },
      signal,
    );
  }
}

/** Another one for other policies: every series is looked at anew then. */
