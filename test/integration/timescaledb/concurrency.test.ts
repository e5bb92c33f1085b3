import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSink, series } from '../postgres/sinks.ts';
import { DAY, HOUR, openEngine, runJob } from './engines.ts';
import { type Level, differences, recomputed, viewed, WIDTHS } from './recomputation.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

const PLAIN = { tolerance: 0, rollover: null, hold: 86_400 };
const SECOND = 1_000_000;

test(
  'nothing is lost while late points are written, refreshed and compressed at once',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    const engine = openEngine(database, { compression: { enabled: false, after: DAY, every: HOUR } });
    const start = (Math.floor(Date.now() / DAY) - 3) * DAY * 1000;
    await sink.put(series('a', start, 500));
    await runJob(engine, 'aggregates');

    const written = new AbortController();
    const write = async (device: string): Promise<void> => {
      for (let round = 0; round < 30; round++)
        await sink.put(series(device, start + round * 997 * SECOND, 20, round));
    };
    const refresh = async (): Promise<void> => {
      while (!written.signal.aborted) await runJob(engine, 'aggregates');
    };
    const compress = async (): Promise<void> => {
      for (const { name, state, source } of await engine.chunks()) {
        if (state === 'open' && source === 'points') await engine.compress(name);
      }
    };
    const refreshing = refresh();
    await Promise.all([write('a'), write('b'), compress()]).finally(() => {
      written.abort();
    });
    await refreshing;
    await database.query(`UPDATE tidegate.aggregates SET refreshed_at = '-infinity'`);
    await runJob(engine, 'aggregates');
    for (const level of Object.keys(WIDTHS) as Level[]) {
      const found = differences(await recomputed(database, level, PLAIN), await viewed(database, level));
      assert.deepEqual(found.slice(0, 5), [], `${level}: ${found.length} differences`);
    }
  },
);

test(
  'a run that is ended before its late points are done leaves them to the next',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    await using sink = openSink(database, { engine: 'timescaledb' });
    const engine = openEngine(database);
    const start = (Date.now() - 3 * DAY) * 1000;
    await sink.put(series('a', start, 500));
    await runJob(engine, 'aggregates');
    await sink.put(series('b', start, 500));
    const job = engine.jobs.find(({ name }) => name === 'aggregates');
    const abort = new AbortController();
    const run = job?.run({ epoch: 0, signal: abort.signal });
    abort.abort();
    await assert.rejects(async () => await run);
    await runJob(engine, 'aggregates');
    const found = differences(await recomputed(database, '1min', PLAIN), await viewed(database, '1min'));
    assert.deepEqual(found, []);
  },
);
