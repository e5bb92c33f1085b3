import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from 'pg';
import { createDatabase } from '../../support/database.ts';
import { assertEqual } from './compare.ts';
import {
  addSeries,
  DAY,
  HOUR,
  LEVELS,
  levels,
  MINUTE,
  openChunk,
  refresh,
  SECOND,
  TODAY,
  write,
} from './store.ts';

const NOON = TODAY + 12 * HOUR;
const POLICY = { tolerance: 0, rollover: null, hold: 86_400 };
const SERIES = 4;
const RUNS = 15;

/** Deterministic, with times around a clock that goes on: fresh ones, late ones, very late ones. */
function batch(now: number, writer: number, index: number) {
  return Array.from({ length: 20 }, (_, row) => {
    const number = index * 20 + row;
    const age = row % 10 === 0 ? 3 * DAY : row % 3 === 0 ? 40 * MINUTE : 0;
    return {
      series: 1 + (number % SERIES),
      time: now - age + ((number * 7919) % 90_000) * 1000 + writer,
      value: (number * 31) % 500,
    };
  });
}

test('writers, refreshes and readers at once: nothing is lost, and nobody counts a point twice', async () => {
  await using database = await createDatabase({ template: true });
  const [first, second, job, reader] = [
    await database.connect(),
    await database.connect(),
    await database.connect(),
    await database.connect(),
  ];
  await addSeries(job, SERIES);
  await openChunk(job, NOON);
  let now = NOON;
  const state = { refreshing: true };
  const writeAll = async (client: Client, writer: number): Promise<void> => {
    for (let index = 0; state.refreshing; index++) {
      await client.query('BEGIN');
      await write(client, batch(now, writer, index));
      await client.query(index % 17 === 0 ? 'ROLLBACK' : 'COMMIT');
    }
  };
  const refreshAll = async (): Promise<void> => {
    for (let run = 0; run < RUNS; run++, now += 30 * SECOND) {
      // A level comes and goes meanwhile.
      const policy = levels({ '15min': run % 7 !== 3 });
      await refresh(job, { now, levels: policy, budget: run % 2 === 0 ? 4_000 : -1 });
    }
  };
  const readAll = async (): Promise<void> => {
    while (state.refreshing) {
      for (const level of LEVELS) {
        const { rows } = await reader.query<{ counted: string; stored: string }>(
          `SELECT (SELECT coalesce(sum(count), 0) FROM iot_data_${level}) AS counted, (SELECT count(*) FROM iot_data) AS stored`,
        );
        const [{ counted, stored }] = rows as [{ counted: string; stored: string }];
        assert.ok(Number(counted) <= Number(stored), `${level}: ${counted} of ${stored} points`);
      }
    }
  };
  await Promise.all([
    writeAll(first, 1),
    writeAll(second, 2),
    readAll(),
    refreshAll().finally(() => {
      state.refreshing = false;
    }),
  ]);
  await refresh(job, { now: NOON + 20 * MINUTE });
  await assertEqual(job, () => POLICY);
  await refresh(job, { now: NOON + 3 * DAY });
  await assertEqual(job, () => POLICY);
});
