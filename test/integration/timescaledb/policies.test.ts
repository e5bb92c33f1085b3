import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestDatabase } from '../../support/database.ts';
import { DAY, HOUR, LEVELS, MINUTE, openEngine, RETENTION, runJob, withoutLevels } from './engines.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from './server.ts';

interface PolicyRow {
  readonly policy: string;
  readonly every: string;
  readonly scheduled: boolean;
  readonly offsets: string;
}

async function policies(database: TestDatabase): Promise<Record<string, string>> {
  const rows = await database.query<PolicyRow>(
    `SELECT proc_name || ' ' || hypertable_name AS policy, extract(epoch FROM schedule_interval)::int::text AS every, scheduled,
       (SELECT string_agg(key || '=' || extract(epoch FROM value::interval)::int, ' ' ORDER BY key) FROM jsonb_each_text(config)
        WHERE key NOT LIKE '%hypertable_id') AS offsets
     FROM timescaledb_information.jobs WHERE hypertable_schema = 'tidegate' ORDER BY 1`,
  );
  return Object.fromEntries(
    rows.map(({ policy, every, scheduled, offsets }) => [
      policy.replace('policy_', ''),
      `${offsets} every=${every}${scheduled ? '' : ' paused'}`,
    ]),
  );
}

test('the policies follow the configuration at start and on change', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await runJob(openEngine(database), 'aggregates');
  assert.deepEqual(await policies(database), {
    'compression aggregate_15min': 'compress_after=604800 every=3600',
    'compression aggregate_1day': 'compress_after=2678400 every=3600',
    'compression aggregate_1hour': 'compress_after=604800 every=3600',
    'compression aggregate_1min': 'compress_after=604800 every=3600',
    'compression points': 'compress_after=604800 every=3600',
    'refresh_continuous_aggregate aggregate_15min': 'end_offset=900 start_offset=14400 every=900',
    'refresh_continuous_aggregate aggregate_1day': 'end_offset=86400 start_offset=2592000 every=86400',
    'refresh_continuous_aggregate aggregate_1hour': 'end_offset=3600 start_offset=86400 every=3600',
    'refresh_continuous_aggregate aggregate_1min': 'end_offset=60 start_offset=3600 every=60',
  });
  const again = await runJob(openEngine(database), 'chunks');
  assert.equal(again.detail, 'the policies are as they should be');

  const changed = await runJob(
    openEngine(database, {
      chunkInterval: 6 * HOUR,
      levels: {
        ...withoutLevels('1day'),
        '1min': { ...LEVELS['1min'], startOffset: 2 * HOUR, scheduleInterval: 5 * MINUTE },
      },
      compression: { enabled: false, after: 7 * DAY, every: HOUR },
      retention: { ...RETENTION, text: 90 * DAY, levels: { ...RETENTION.levels, '1min': 30 * DAY } },
    }),
    'chunks',
  );
  assert.match(
    changed.detail,
    /altered the interval of new chunks; altered policy_refresh_continuous_aggregate aggregate_1min/,
  );
  assert.deepEqual(await policies(database), {
    'refresh_continuous_aggregate aggregate_15min': 'end_offset=900 start_offset=14400 every=900',
    'refresh_continuous_aggregate aggregate_1hour': 'end_offset=3600 start_offset=86400 every=3600',
    'refresh_continuous_aggregate aggregate_1min': 'end_offset=60 start_offset=7200 every=300',
    'retention aggregate_1min': 'drop_after=2678400 every=3600',
    'retention texts': 'drop_after=7862400 every=3600',
  });
  const [interval] = await database.query<{ hours: number }>(
    `SELECT extract(epoch FROM time_interval)::int / 3600 AS hours FROM timescaledb_information.dimensions WHERE hypertable_name = 'points'`,
  );
  assert.equal(interval?.hours, 6);
});

test('a level stays refreshed that an enabled one is computed from', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await runJob(openEngine(database, { levels: withoutLevels('1min', '1day') }), 'aggregates');
  const refreshed = Object.keys(await policies(database)).filter((name) => name.startsWith('refresh'));
  assert.deepEqual(
    refreshed.map((name) => name.split('_').at(-1)),
    ['15min', '1hour', '1min'],
  );
});

test('a job of a leader that was replaced changes nothing', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await database.query('UPDATE tidegate.scheduler SET epoch = 2');
  await assert.rejects(runJob(openEngine(database), 'chunks', { epoch: 1 }), { name: 'LeaderReplaced' });
  assert.deepEqual(await policies(database), {});
});
