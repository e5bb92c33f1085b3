/** Brings what an engine keeps into the states of its life. */

import type { Engine } from '../../src/engines/engine.ts';
import { TidegateError } from '../../src/errors.ts';
import type { TestDatabase } from '../support/database.ts';
import { runJob } from '../support/engines.ts';

const QUEUE = 'SELECT count(*)::int AS left FROM tidegate.dirty_buckets';

/** Every level, whatever its schedule says, until no late point waits. */
export async function refreshAll(database: TestDatabase, engine: Engine): Promise<void> {
  for (let runs = 0; runs < 10; runs++) {
    await runJob(engine, 'aggregates', { byHand: true });
    const [row] = await database.query<{ left: number }>(QUEUE);
    if (row?.left === 0) return;
  }
  throw new Error('the queue of dirty buckets does not empty');
}

/**
 * The jobs of an engine; and by hand what they leave to somebody else, chunks before `before` (milliseconds). TimescaleDB's own
 * policy may be at it at the same time.
 */
export async function compressAll(engine: Engine, before: number): Promise<void> {
  await runJob(engine, 'chunks');
  await runJob(engine, 'compression');
  for (const { name, source, state, range_end: end } of await engine.chunks()) {
    if (source === 'texts' || state === 'sealed' || Date.parse(end) > before) continue;
    try {
      await engine.compress(name);
    } catch (error) {
      if (!(error instanceof TidegateError) || error.code !== 'chunk_state') throw error;
    }
  }
}
