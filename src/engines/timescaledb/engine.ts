import type { Client } from 'pg';
import { TidegateError } from '../../errors.ts';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, schemaNames, withNames } from '../../postgres/names.ts';
import { sqlstateOf } from '../../postgres/sqlstate.ts';
import type { Job, JobContext, JobReport } from '../../scheduler/types.ts';
import { applySeriesPolicies, versionOf } from '../series-policies.ts';
import type { ChunkInfo, CompressionInfo, Engine, EngineOptions, LevelName } from '../engine.ts';
import { findChunk, listChunks, listCompression, type NamedChunk } from './chunk-list.ts';
import { withTimescale } from './connection.ts';
import { LEVELS } from './levels.ts';
import { reconcileChunkInterval, reconcilePolicies, wantedPolicies } from './policies.ts';
import { refreshAggregates } from './refresh.ts';
import { Retention, uncovered } from './retention.ts';
import { describeFailing, failingPolicies } from './watch.ts';

const DUPLICATE_OBJECT = '42710';
/** Milliseconds. */
const MINUTE = 60_000;
/** How long late points are taken in by one run before the rest is left to the next. */
const LATE_BUDGET = 30_000;

/**
 * TimescaleDB does the work by policies of its own; the jobs here keep these as the configuration says, watch them, and do what
 * they leave out. All of it takes the owner of the tables: TimescaleDB asks for that, not for privileges.
 */
export class TimescaleEngine implements Engine {
  readonly name = 'timescaledb';
  readonly #options: EngineOptions;
  readonly #names: SchemaNames;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  get jobs(): readonly Job[] {
    const { compression, retention, levels } = this.#options;
    const finest = Math.min(...LEVELS.map((level) => levels[level].scheduleInterval));
    return [
      { name: 'chunks', every: MINUTE, run: (context) => this.#reconciled('chunks', context) },
      { name: 'aggregates', every: finest, run: (context) => this.#refreshed(context) },
      {
        name: 'compression',
        every: compression.every,
        run: (context) => this.#reconciled('compression', context),
      },
      { name: 'retention', every: retention.every, run: (context) => this.#retained(context) },
    ];
  }

  async chunks(): Promise<ChunkInfo[]> {
    return await this.#connected((client) => listChunks(client, this.#names));
  }

  async compression(): Promise<CompressionInfo[]> {
    return await this.#connected((client) => listCompression(client, this.#names));
  }

  async compress(name: string): Promise<JobReport> {
    return await this.#byHand(name, async (client, { relation, compressed, partial }) => {
      if (compressed && !partial) throw new TidegateError('chunk_state', `${name} is sealed`);
      try {
        await client.query(
          'CALL convert_to_columnstore($1::text::regclass, if_not_columnstore => true, recompress => $2)',
          [relation, compressed],
        );
      } catch (error) {
        // TimescaleDB's own policy came first, while this waited for it.
        if (sqlstateOf(error) === DUPLICATE_OBJECT)
          throw new TidegateError('chunk_state', `${name} is sealed`);
        throw error;
      }
      const rows = await rowsIn(client, relation);
      return { rows, detail: `${name} is compressed: ${rows} rows` };
    });
  }

  async decompress(name: string): Promise<JobReport> {
    return await this.#byHand(name, async (client, { relation, compressed }) => {
      if (!compressed) throw new TidegateError('chunk_state', `${name} is open`);
      await client.query('CALL convert_to_rowstore($1::text::regclass)', [relation]);
      const rows = await rowsIn(client, relation);
      return { rows, detail: `${name} is open again with ${rows} rows` };
    });
  }

  /** The policies of TimescaleDB as the configuration wants them; how they fare. */
  async #reconciled(job: string, context: JobContext): Promise<JobReport> {
    return await this.#connected(async (client) => {
      const done = await fenced(client, this.#names, job, context.epoch, () => this.#reconcile(client));
      const failing = await failingPolicies(client, this.#names);
      return {
        rows: done.length,
        detail: [...done, ...failing.map(describeFailing)].join('; ') || 'the policies are as they should be',
      };
    }, context.signal);
  }

  async #reconcile(client: Client): Promise<string[]> {
    const { retention, chunkInterval } = this.#options;
    const { rows } = await client.query<{ level: LevelName }>(
      withNames(`SELECT level FROM :"internal".aggregates WHERE watermark > '-infinity'`, this.#names),
    );
    const withheld = new Set<string>();
    for (const [table, source, age] of [
      ['points', 'raw', retention.raw],
      ...LEVELS.map((level) => [`aggregate_${level}`, level, retention.levels[level]] as const),
    ] as const) {
      if (age !== null && (await uncovered(client, this.#names, source, age)) !== null) withheld.add(table);
    }
    const state = { swept: new Set(rows.map(({ level }) => level)), withheld };
    // Two jobs may be at it at once.
    await client.query(
      'LOCK TABLE ONLY :"internal".installation IN SHARE ROW EXCLUSIVE MODE'.replace(
        ':"internal"',
        withNames(':"internal"', this.#names),
      ),
    );
    const interval = await reconcileChunkInterval(client, this.#names, chunkInterval);
    const done = await reconcilePolicies(client, this.#names, wantedPolicies(this.#options, state));
    return interval ? ['altered the interval of new chunks', ...done] : done;
  }

  async #refreshed(context: JobContext): Promise<JobReport> {
    const { levels, series } = this.#options;
    let switchedOn = 0;
    await this.#connected(
      (client) =>
        applySeriesPolicies(client, this.#names, series, versionOf(series), context, {
          recompute: async () => switchedOn++,
          // The views leave them out, and refreshes take them away.
          drop: async () => {},
        }),
      context.signal,
    );
    const force = context.byHand === true;
    const budget = force ? Number.POSITIVE_INFINITY : LATE_BUDGET;
    const options = { levels, budget, force, anew: switchedOn > 0 };
    const report = await this.#connected(
      (fence) =>
        this.#connected(
          (client) => refreshAggregates({ fence, client }, this.#names, options, context),
          context.signal,
        ),
      context.signal,
    );
    // The first run has computed the past: from now on the policies may look back by their windows only.
    const { detail } = await this.#reconciled('aggregates', context);
    return { ...report, detail: `${report.detail}; ${detail}` };
  }

  async #retained(context: JobContext): Promise<JobReport> {
    const { retention } = this.#options;
    const report = await this.#connected(
      (client) => new Retention(client, this.#names, context).apply(retention),
      context.signal,
    );
    await this.#reconciled('retention', context);
    return report;
  }

  async #byHand(
    name: string,
    work: (client: Client, chunk: NamedChunk) => Promise<JobReport>,
  ): Promise<JobReport> {
    return await this.#connected(async (client) => {
      const chunk = await findChunk(client, this.#names, name);
      if (chunk === null) throw new TidegateError('chunk_unknown', `${name} is not a chunk of ours`);
      return await work(client, chunk);
    });
  }

  /** Without a time limit on statements: a refresh or a compression of a large chunk takes its time. */
  async #connected<T>(work: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { ownerUrl: url } = this.#options;
    return await withTimescale({ url, statementTimeout: 0, applicationName: 'tidegate jobs' }, work, signal);
  }
}

async function rowsIn(client: Client, relation: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${relation}`);
  return Number(rows[0]?.count);
}
