import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DeadLetters } from '../../src/letters/dead-letters.ts';
import { CollectionStatistics } from '../../src/postgres/collection-statistics.ts';
import { Anomalies } from '../../src/postgres/anomalies.ts';
import { connect } from '../../src/postgres/connection.ts';
import { DeadLetterLimit } from '../../src/postgres/dead-letter-limit.ts';
import { ALL_LETTERS } from '../../src/postgres/dead-letter-selection.ts';
import { DeviceDirectory } from '../../src/postgres/device-directory.ts';
import { LatestPoints } from '../../src/postgres/latest-points.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames } from '../../src/postgres/names.ts';
import { QueryLog } from '../../src/postgres/query-log.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { configured, receive } from '../integration/dead-letters/letters.ts';
import { login, roleName, type TestRole } from '../integration/postgres/roles.ts';
import { never, openSink } from '../integration/postgres/sinks.ts';
import { ENGINES, runJob } from '../support/engines.ts';
import { silent } from '../unit/pipeline/ports.ts';
import { at, HOUR, MINUTE } from './inputs.ts';
import { Model, put } from './model.ts';

const QUESTIONS = [
  'iot_data',
  'iot_text',
  'iot_series',
  'iot_devices',
  'iot_latest',
  'iot_dead_letters',
  'iot_audit',
  ...['1min', '15min', '1hour', '1day'].map((level) => `iot_data_${level}`),
  `iot_points('a', 'x', '2024-01-01', '2024-01-02')`,
  `iot_points(ARRAY['a'], ARRAY['x'], '2024-01-01', '2024-01-02')`,
  `iot_pivot('a', '{x,y}', '2024-01-01', '2024-01-02')`,
  `iot_state_durations('a', 'x', '2024-01-01', '2024-01-02', '1 hour')`,
  `iot_state_durations(ARRAY['a'], ARRAY['note'], '2024-01-01', '2024-01-02', '1 hour')`,
  ...['30 seconds', '1 minute', '5 minutes', '15 minutes', '1 hour', '1 day', '1 month'].flatMap((bucket) => [
    `iot_aggregate('a', 'x', '2024-01-01', '2024-01-02', '${bucket}')`,
    `iot_aggregate(ARRAY['a'], ARRAY['x'], '2024-01-01', '2024-01-02', '${bucket}', 'Asia/Kathmandu', 'linear')`,
  ]),
];
const EMPTY = new Set(['iot_dead_letters', 'iot_audit']);

/** What HTTP answers, as database.query_url may be the reader's. */
async function askAs({ url }: TestRole, schema: string): Promise<void> {
  const pool = new QueryPool({ url, schema, statementTimeout: 30_000, connections: 1 });
  const devices = new DeviceDirectory(pool);
  assert.equal((await devices.find('a', null)).metrics.length, 2);
  assert.equal(
    (await devices.list({ match: '*', state: null, after: null, limit: 10, visible: null })).length,
    1,
  );
  const page = { devices: null, metrics: null, match: '*', visible: null, after: null, limit: 10 };
  assert.equal((await new LatestPoints(pool).page(page)).series.length, 2);
  for (const method of ['zscore', 'mad'] as const) {
    const { baseline } = await new Anomalies(pool).find({
      deviceId: 'a',
      metricName: 'x',
      baseline: 20 * 365 * 24 * HOUR,
      window: HOUR,
      threshold: 3,
      method,
      limit: 10,
      visible: null,
    });
    assert.equal(baseline.points, 1_200);
  }
  await pool.close();
}

for (const kind of ENGINES) {
  suite(`roles on ${kind.name}`, { skip: kind.skip }, () => {
    for (const schema of ['public', 'plant']) {
      test(`owner, writer and reader of schema ${schema}`, async () => {
        const database = await kind.createDatabase({ migrated: false });
        const roles: TestRole[] = [];
        try {
          for (const what of ['owner', 'writer', 'reader']) roles.push(await login(database, roleName(what)));
          const [owner, writer, reader] = roles as [TestRole, TestRole, TestRole];
          await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
          if (schema === 'public') await database.query(`GRANT CREATE ON SCHEMA public TO ${owner.name}`);
          await migrate({
            url: owner.url,
            schema,
            readerRole: reader.name,
            writerRole: writer.name,
            engine: kind.name,
            logger: silent,
          });
          await using sink = openSink(writer, { schema, engine: kind.name });
          const first = at('2024-01-01T00:00:00Z');
          const rows = Array.from({ length: 1_200 }, (_, index) => [
            { device: 'a', metric: 'x', time: first + index * MINUTE, value: index },
            { device: 'a', metric: 'note', time: first + index * HOUR, value: `${index}` },
          ]).flat();
          await put(sink, new Model(), rows);
          const engine = kind.open({ url: writer.url }, { ownerUrl: owner.url, schema });
          const session = await database.connect();
          const readAll = async (when: string) => {
            await session.query(`SET ROLE ${reader.name}`);
            await session.query(`SET search_path = ${schema}`);
            for (const question of QUESTIONS) {
              const { rowCount } = await session
                .query(`SELECT * FROM ${question}`)
                .catch((error: unknown) => {
                  throw new Error(`${question} ${when}`, { cause: error });
                });
              if (!EMPTY.has(question)) assert.ok((rowCount ?? 0) > 0, `${question} ${when}`);
            }
            await assert.rejects(session.query('DELETE FROM iot_data'), { code: /42501|55000/ });
            await session.query('RESET ROLE');
            await askAs(reader, schema);
          };
          await readAll('live');
          // The writer writes the query log, the reader answers what is asked over HTTP.
          const queryLog = new QueryLog({ url: writer.url, schema });
          queryLog.note({ type: 'latest', durationMs: 1, count: 1 });
          await queryLog.stop();
          assert.equal(queryLog.dropped, 0);
          const pool = new QueryPool({ url: reader.url, schema, statementTimeout: 10_000, connections: 1 });
          const statistics = new CollectionStatistics(pool);
          assert.equal((await statistics.collection()).ever.total_points, rows.length);
          assert.equal((await statistics.queries()).length, 1);
          assert.equal((await statistics.rates(1)).length, 1);
          await pool.close();
          for (const job of ['chunks', 'aggregates', 'compression', 'retention'])
            await runJob(engine, job, { byHand: true });
          await readAll('after the jobs');
          // The writer's role is enough for what people do with dead letters.
          const env = { TIDEGATE_DATABASE_SCHEMA: schema, TIDEGATE_DATABASE_ENGINE: kind.name };
          const route = { topic: 'plant/{device_id}', format: 'json', flatten: true };
          const short = configured(writer, [route], { ...env, TIDEGATE_INGEST_LIMITS_TEXT_LENGTH: '3' });
          const payload = '{"level": 1, "state": "ok", "other": "far too long"}';
          const messages = ['a', 'b'].map((device) => ({ topic: `plant/${device}`, payload, at: first }));
          await receive(short, messages, { engine: kind.name });
          const dead = new DeadLetters(configured(writer, [route], env), 'somebody@here');
          const order = { limit: 1, dryRun: false };
          const { replayed, points } = await dead.replay(ALL_LETTERS, order, never());
          assert.deepEqual([replayed, points.duplicate], [1, 2]);
          assert.equal((await dead.drop(ALL_LETTERS, order, never())).dropped, 1);
          const client = await connect({ url: writer.url, statementTimeout: 0, applicationName: 'test' });
          await new DeadLetterLimit(schemaNames(schema), 1, () => 0).enforce(client);
          await client.end();
          await session.end();
        } finally {
          await database.query(`DROP OWNED BY ${roles.map(({ name }) => name).join(', ')} CASCADE`);
          for (const { name } of roles) await database.query(`DROP ROLE ${name}`);
          await database.drop();
        }
      });
    }
  });
}
