import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { migrate } from '../../../src/postgres/migrate.ts';
import { createDatabase } from '../../support/database.ts';
import { DAY, SECOND } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { login, roleName, type TestRole } from '../postgres/roles.ts';
import { at, count, fate, openSink, points, series } from '../postgres/sinks.ts';
import { engineOptions, openPostgres, runJob } from './engines.ts';

for (const schema of ['public', 'plant']) {
  test(`a role that only writes does all the work of the chunks, in schema ${schema}`, async () => {
    const database = await createDatabase();
    const session = await database.connect();
    const roles: TestRole[] = [];
    after(async () => {
      await session.end();
      await database.query(`DROP OWNED BY ${roles.map(({ name }) => name).join(', ')} CASCADE`);
      for (const { name } of roles) await database.query(`DROP ROLE ${name}`);
      await database.drop();
    });
    for (const what of ['owner', 'writer', 'reader']) roles.push(await login(database, roleName(what)));
    const [owner, writer, reader] = roles as [TestRole, TestRole, TestRole];
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
    if (schema === 'public') await database.query(`GRANT CREATE ON SCHEMA public TO ${owner.name}`);
    await migrate({
      url: owner.url,
      schema,
      readerRole: reader.name,
      writerRole: writer.name,
      engine: 'postgres',
      logger: silent,
    });
    const internal = schema === 'public' ? 'tidegate' : `${schema}_tidegate`;
    const everything = `${schema}.iot_data`;
    await using sink = openSink(writer, { schema, onDuplicate: 'keep_last' });
    const first = at('2024-01-01T00:00:00Z');
    for (let day = 0; day < 3; day++) await sink.put(series('a', first + day * DAY, 1_000));
    const engine = openPostgres(writer, { schema });
    const name = 'points_20240101_000000';

    // Other roles' snapshots count too.
    await session.query(`SET ROLE ${reader.name}; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`);
    await engine.compress(name);
    await engine.compress('points_20240102_000000');
    const { rows } = await session.query(`SELECT count(*) FROM ${everything}`);
    assert.equal(Number(rows[0].count), 3_000);
    await session.query('COMMIT');
    await runJob(engine, 'chunks');
    assert.equal(await count(database, `${internal}.chunks WHERE state = 'sealed' AND attached`), 0);

    const some = [
      { device: 'a', metric: 'x', time: first + 1, value: 5 },
      { device: 'a', metric: 'x', time: first + 7 * SECOND, value: -7 },
    ];
    assert.deepEqual(fate(await sink.put(points(some))), [1, 0, 1]);
    assert.match((await runJob(engine, 'compression')).detail, /took 1 late points/);
    assert.equal((await engine.decompress(name)).rows, 1_001);
    await runJob(engine, 'compression');
    assert.equal((await engine.compression()).length, 3);
    const { rows: read } = await session.query(
      `SELECT count(*) AS count, min(value) AS least FROM ${schema}.iot_points('a', 'x', '2024-01-01', '2024-02-01')`,
    );
    assert.deepEqual([Number(read[0].count), read[0].least], [3_001, -7]);
    await runJob(engine, 'aggregates');
    await runJob(engine, 'compression');
    const span = `'2024-01-01', '2024-02-01'`;
    for (const from of [
      ...['1min', '15min', '1hour', '1day'].map((level) => `iot_data_${level}`),
      `iot_aggregate('a', 'x', ${span}, '1 hour')`,
      `iot_aggregate('a', 'x', ${span}, '1 month', 'Europe/Berlin')`,
      `iot_aggregate(ARRAY['a'], ARRAY['x'], ${span}, '7 seconds')`,
      `iot_pivot('a', ARRAY['x'], ${span})`,
      `iot_points(ARRAY['a'], ARRAY['x'], ${span})`,
    ]) {
      const { rows: found } = await session.query(`SELECT count(*) FROM ${schema}.${from}`);
      assert.ok(Number(found[0].count) > 0, from);
    }
    for (const view of [
      'iot_series',
      'iot_latest',
      'iot_devices',
      'iot_text',
      'iot_dead_letters',
      'iot_audit',
    ]) {
      await session.query(`SELECT FROM ${schema}.${view}`);
    }
    await database.query(
      `UPDATE ${internal}.aggregates SET watermark = '2024-01-03'; INSERT INTO ${internal}.dead_letters
       (received_at, client_id, topic, payload, qos, retained, code, detail, points)
       VALUES ('2024-01-01', 'test', 't', '', 1, false, 'no_route', '', 0)`,
    );
    const keep = (Date.now() * 1000 - at('2024-01-03T12:00:00Z')) / 1000;
    const { retention } = engineOptions(writer);
    const all = {
      ...retention,
      raw: keep,
      text: keep,
      levels: { '1min': keep, '15min': keep, '1hour': keep, '1day': keep },
      deadLetters: keep,
      queryLog: keep,
      jobHistory: keep,
    };
    const report = await runJob(openPostgres(writer, { schema, retention: all }), 'retention');
    assert.match(report.detail, /2 chunks of points/);
    assert.match(report.detail, /1 dead letters/);
    assert.equal(await count(database, everything), 1_000);
  });
}
