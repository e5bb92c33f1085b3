import type { Client } from 'pg';
import { fenced, LeaderReplaced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import type { NamedChunk } from './compaction.ts';
import type { EngineOptions, LevelName } from '../engine.ts';
import { packLevel, shrinkLevel } from './frame-packing.ts';
import { mergeLate } from './late-merge.ts';
import { Pace } from './pace.ts';

/** One run of the job `compression`: chunks that are due, late points of compressed ones, rows of aggregates. */
export class Compression {
  readonly #client: Client;
  readonly #names: SchemaNames;
  readonly #context: JobContext;
  readonly #compress: (chunk: NamedChunk, pace: Pace) => Promise<JobReport>;

  constructor(
    client: Client,
    names: SchemaNames,
    context: JobContext,
    compress: (chunk: NamedChunk, pace: Pace) => Promise<JobReport>,
  ) {
    this.#client = client;
    this.#names = names;
    this.#context = context;
    this.#compress = compress;
  }

  /** `after`: milliseconds since a chunk's end. */
  async run(after: number, levels: EngineOptions['levels']): Promise<JobReport> {
    await this.#closeAgain();
    const due = await this.#chunks(
      `state = 'closing' OR (state = 'open' AND range_end <= now() - make_interval(secs => $1))`,
      [after / 1000],
    );
    const pace = new Pace(this.#context, due.length);
    let points = 0;
    const failures: unknown[] = [];
    for (const chunk of due) {
      this.#context.signal.throwIfAborted();
      try {
        points += (await this.#compress(chunk, pace)).rows;
      } catch (error) {
        // One chunk does not keep the others from their turn.
        if (error instanceof LeaderReplaced || this.#context.signal.aborted) throw error;
        failures.push(error);
      }
    }
    const late = await this.#mergeLate();
    let buckets = 0;
    for (const level of Object.keys(levels) as LevelName[]) {
      buckets += await packLevel(this.#client, this.#names, level, after, this.#context);
      await shrinkLevel(this.#client, this.#names, level, this.#context);
    }
    if (failures.length > 0) throw failures[0];
    return {
      rows: points + late + buckets,
      detail: `compressed ${due.length} chunks of ${points} points, took ${late} late points into compressed chunks, packed ${buckets} buckets`,
    };
  }

  /**
   * Chunks whose opening broke off: their segments have all, also what was replaced meanwhile, and are read.
   */
  async #closeAgain(): Promise<void> {
    const opening = await this.#chunks(`state = 'opening'`, []);
    if (opening.length === 0) return;
    await fenced(this.#client, this.#names, 'compression', this.#context.epoch, async () => {
      for (const sql of [
        'SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())',
        `DELETE FROM :"internal".closing_corrections p USING :"internal".chunks c
         WHERE c.source = 'points' AND c.state = 'opening' AND p.ts >= c.range_start AND p.ts < c.range_end`,
        `UPDATE :"internal".chunks SET state = 'sealed', changed_at = now() WHERE source = 'points' AND state = 'opening'`,
        'UPDATE :"internal".chunk_map SET version = version + 1',
      ])
        await this.#client.query(withNames(sql, this.#names));
    });
  }

  async #mergeLate(): Promise<number> {
    const sealed = await this.#chunks(
      `state = 'sealed' AND EXISTS (
         SELECT FROM :"internal".points_late l WHERE l.ts >= range_start AND l.ts < range_end)`,
      [],
    );
    let merged = 0;
    for (const chunk of sealed) merged += await mergeLate(this.#client, this.#names, chunk, this.#context);
    return merged;
  }

  async #chunks(condition: string, parameters: readonly unknown[]): Promise<NamedChunk[]> {
    const { rows } = await this.#client.query<NamedChunk>(
      withNames(
        `SELECT chunk_id AS id, leaf AS name, state, range_start::text AS "from", range_end::text AS "to"
         FROM :"internal".chunks WHERE source = 'points' AND (${condition}) ORDER BY range_start`,
        this.#names,
      ),
      [...parameters],
    );
    return rows;
  }
}
