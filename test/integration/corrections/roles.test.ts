import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { schemaNames } from '../../../src/postgres/names.ts';
import { migrate } from '../../../src/postgres/migrate.ts';
import { createDatabase } from '../../support/database.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { login, roleName, type TestRole } from '../postgres/roles.ts';
import { at, openSink, series } from '../postgres/sinks.ts';
import { correct } from './corrections.ts';

test('a role that only writes makes every correction, in a schema of its own', async () => {
  const database = await createDatabase();
  const schema = 'plant';
  const roles: TestRole[] = [];
  after(async () => {
    await database.query(`DROP OWNED BY ${roles.map(({ name }) => name).join(', ')} CASCADE`);
    for (const { name } of roles) await database.query(`DROP ROLE ${name}`);
    await database.drop();
  });
  for (const what of ['owner', 'writer']) roles.push(await login(database, roleName(what)));
  const [owner, writer] = roles as [TestRole, TestRole];
  await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${owner.name}`);
  await migrate({
    url: owner.url,
    schema,
    readerRole: null,
    writerRole: writer.name,
    engine: 'postgres',
    logger: silent,
  });
  await using sink = openSink(writer, { schema });
  const day = at('2024-01-01T00:00:00Z');
  await sink.put(series('a', day, 1_000), series('b', day + 1, 1_000));
  const engine = openPostgres(writer, { schema });
  await engine.compress('points_20240101_000000');
  await runJob(engine, 'aggregates');
  const { internal } = schemaNames(schema);
  const state = async () =>
    await database.query(`SELECT device_id, points FROM ${schema}.iot_devices ORDER BY device_id`);

  await correct(writer, (corrections) => corrections.rename('a', 'c', false), { schema });
  await correct(writer, (corrections) => corrections.merge('b', 'c', false), { schema });
  assert.deepEqual(await state(), [{ device_id: 'c', points: '2000' }]);
  const range = { device: 'c', metric: 'x', from: '2024-01-01T00:00:10Z', to: '2024-01-01T00:00:20Z' };
  await correct(writer, (corrections) => corrections.delete(range, false), { schema });
  assert.deepEqual(await state(), [{ device_id: 'c', points: '1980' }]);
  await correct(
    writer,
    async (corrections) => {
      assert.equal((await corrections.list('*')).length, 1);
      await corrections.delete({ device: 'c', metric: null, from: null, to: null }, false);
    },
    { schema },
  );
  assert.deepEqual(await state(), []);
  assert.deepEqual(await database.query(`SELECT DISTINCT actor FROM ${internal}.audit`), [
    { actor: `somebody@here as ${writer.name}` },
  ]);
});
