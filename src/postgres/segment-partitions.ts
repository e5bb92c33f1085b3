import type { Client } from 'pg';
import { gridStart } from '../segments/grid.ts';
import { type SchemaNames, withNames } from './names.ts';
import { sqlstateOf } from './sqlstate.ts';

const LOCK_NOT_AVAILABLE = '55P03';
/** Milliseconds until a partition that readers were in the way of is tried again. */
const PATIENCE = 10_000;

/** Which of the partitions of segments are there. None goes away that a writer may still want: retention's cut is past it. */
export class SegmentPartitions {
  readonly #open: string;
  readonly #there = new Set<number>();
  /** By the partition's start, until when (performance.now()) it is left alone. */
  readonly #refused = new Map<number, number>();

  constructor(names: SchemaNames) {
    this.#open = withNames(
      `SELECT :"internal".open_segment_partition(to_timestamp($1::double precision / 1000000))`,
      names,
    );
  }

  /** Whether the one that covers a time (microseconds since 1970) is there; null where it may be asked for. */
  covers(time: number): boolean | null {
    const start = gridStart(time);
    if (this.#there.has(start)) return true;
    return (this.#refused.get(start) ?? 0) > performance.now() ? false : null;
  }

  /** The database may be another one. */
  forget(): void {
    this.#there.clear();
    this.#refused.clear();
  }

  /** Opens those that cover the times, outside of a transaction, unless readers hold the segments. */
  async open(client: Client, times: readonly number[]): Promise<void> {
    for (const start of new Set(times.map(gridStart))) {
      if (this.covers(start) !== null) continue;
      try {
        await client.query(`BEGIN; SET LOCAL lock_timeout = '100ms'`);
        await client.query(this.#open, [start]);
        await client.query('COMMIT');
        this.#there.add(start);
      } catch (error) {
        if (sqlstateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
        await client.query('ROLLBACK');
        this.#refused.set(start, performance.now() + PATIENCE);
      }
    }
  }
}
