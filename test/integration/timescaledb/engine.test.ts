import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine as openAnyEngine } from '../../../src/engines/open.ts';
import { describeFailing, failingPolicies } from '../../../src/engines/timescaledb/watch.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { openSink, series } from '../postgres/sinks.ts';
import { DAY, HOUR, LEVELS, openEngine, RETENTION, runJob } from './engines.ts';
import { createHypertableDatabase, openReader, roleName, WITH_TIMESCALEDB } from './server.ts';

const OLD = Date.UTC(2020, 0, 1) * 1000;

test('chunks are listed, compressed and opened by name', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  const engine = openEngine(database);
  await sink.put(series('a', OLD, 5000), series('a', OLD + 86_400_000_000, 10));
  const [later, earlier] = await engine.chunks();
  assert.deepEqual(
    [
      later?.range_start,
      later?.state,
      earlier?.range_start,
      earlier?.range_end,
      earlier?.source,
      earlier?.ratio,
    ],
    [
      '2020-01-02T00:00:00.000Z',
      'open',
      '2020-01-01T00:00:00.000Z',
      '2020-01-02T00:00:00.000Z',
      'points',
      null,
    ],
  );
  const name = earlier?.name ?? '';
  assert.equal((await engine.compress(name)).rows, 5000);
  const [compressed] = await engine.compression();
  assert.deepEqual([compressed?.chunk, compressed?.points], [name, 5000]);
  assert.ok(compressed !== undefined && compressed.ratio > 2);
  const sealed = (await engine.chunks()).find((chunk) => chunk.name === name);
  assert.deepEqual([sealed?.state, sealed?.rows], ['sealed', 5000]);
  await assert.rejects(engine.compress(name), { code: 'chunk_state' });

  await sink.put(series('b', OLD, 3));
  assert.equal((await engine.compress(name)).rows, 5003);
  assert.equal((await engine.decompress(name)).rows, 5003);
  await assert.rejects(engine.decompress(name), { code: 'chunk_state' });
  await assert.rejects(engine.compress('nothing'), { code: 'chunk_unknown' });
  const [count] = await database.query<{ count: number }>('SELECT count(*)::int AS count FROM iot_data');
  assert.equal(count?.count, 5013);
});

test('a daemon that does not own the tables writes; the owner does the rest', WITH_TIMESCALEDB, async () => {
  const [writer, reader] = [roleName(), roleName()];
  await using database = await createHypertableDatabase();
  await database.query(`CREATE ROLE ${writer} LOGIN PASSWORD 'w'; CREATE ROLE ${reader} LOGIN PASSWORD 'r'`);
  try {
    await database.query(
      `GRANT USAGE ON SCHEMA tidegate, public TO ${writer}, ${reader};
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tidegate TO ${writer};
       GRANT USAGE ON ALL SEQUENCES IN SCHEMA tidegate TO ${writer};
       GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader};
       GRANT SELECT ON tidegate.series, tidegate.points, tidegate.texts, tidegate.aggregates, tidegate.aggregate_1min,
         tidegate.aggregate_15min, tidegate.aggregate_1hour, tidegate.aggregate_1day TO ${reader}`,
    );
    const as = (role: string, password: string) => {
      const url = new URL(database.url);
      [url.username, url.password] = [role, password];
      return url.href;
    };
    const url = as(writer, 'w');
    await using sink = openSink({ url }, { engine: 'timescaledb', onDuplicate: 'keep_last' });
    await sink.put(series('a', OLD, 1000));
    const engine = openEngine(
      { url },
      { ownerUrl: database.url, compression: { enabled: false, after: DAY, every: HOUR } },
    );
    await runJob(engine, 'aggregates');
    for (const { name, state } of await engine.chunks()) if (state === 'open') await engine.compress(name);
    const report = await sink.put(series('a', OLD - 1_000_000, 3, 7));
    assert.deepEqual([report.totals.points.stored, report.totals.points.conflict], [1, 2]);
    await runJob(engine, 'aggregates');
    await using outsider = await openReader(as(reader, 'r'));
    assert.equal(await outsider.count('iot_data'), 1001);
    assert.equal(await outsider.count(`iot_points('a', 'x', '-infinity', 'infinity')`), 1001);
    assert.equal(await outsider.count('iot_data_1day'), 2);
    assert.equal(await outsider.count(`tidegate.rollup_1hour(1, '-infinity', 'infinity')`), 2);
    await assert.rejects(runJob(openEngine({ url }, { chunkInterval: HOUR }), 'chunks'), { code: '42501' });
  } finally {
    await database.query(`DROP OWNED BY ${writer}, ${reader}; DROP ROLE ${writer}, ${reader}`);
  }
});

test('a job of TimescaleDB that fails is reported', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  const engine = openEngine(database);
  await runJob(engine, 'aggregates');
  // A job that ended without a word, as one that was killed: the statistics say so, the errors say why.
  await database.query(
    `UPDATE _timescaledb_internal.bgw_job_stat s SET last_run_success = false, total_failures = 3
     FROM timescaledb_information.jobs j WHERE j.job_id = s.job_id AND hypertable_name = 'points'`,
  );
  const client = await database.connect();
  const failing = await failingPolicies(client, schemaNames('public'));
  if (failing.length > 0) {
    assert.match(
      describeFailing(failing[0] as (typeof failing)[0]),
      /policy_compression of points failed 3 times/,
    );
    assert.match((await runJob(engine, 'compression')).detail, /policy_compression of points failed/);
  }
});

test(
  'after a start with another configuration the engine is the recorded one',
  WITH_TIMESCALEDB,
  async () => {
    await using database = await createHypertableDatabase();
    const options = {
      url: database.url,
      ownerUrl: database.url,
      schema: 'public',
      statementTimeout: 30_000,
      chunkInterval: DAY,
      levels: LEVELS,
      series: [],
      compression: { enabled: true, after: 7 * DAY, every: HOUR },
      retention: RETENTION,
    };
    assert.equal((await openAnyEngine(options, 'auto')).name, 'timescaledb');
    await assert.rejects(openAnyEngine(options, 'postgres'), { code: 'engine_mismatch' });
  },
);
