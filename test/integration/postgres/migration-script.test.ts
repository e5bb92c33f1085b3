import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { Client } from 'pg';
import { migrate, migrationScript } from '../../../src/postgres/migrate.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { login, roleName } from './roles.ts';
import { count, fate, openSink, series } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;
/** What the script calls the roles that nobody names. */
const NAMELESS = ['tidegate_owner', 'tidegate_writer', 'tidegate_reader'];
const ROLES = { readerRole: roleName('reader'), writerRole: roleName('writer') };

after(async () => {
  // Roles belong to the server; their rights went with the databases.
  await using database = await createDatabase();
  for (const role of [...Object.values(ROLES), ...NAMELESS])
    await database.query(`DROP ROLE IF EXISTS ${role}`);
});

/** By psql where it is installed, which an administrator would use. */
async function apply(database: TestDatabase, script: string): Promise<void> {
  const psql = spawnSync('psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', database.url], {
    input: script,
    encoding: 'utf8',
  });
  if (psql.error === undefined) {
    assert.equal(psql.status, 0, psql.stderr);
    return;
  }
  const client = await database.connect();
  await client.query(script);
  await client.query('RESET ROLE');
}

/** All that makes a schema, as text. */
async function describe(database: TestDatabase, internal: string, schema: string): Promise<string[]> {
  const rows = await database.query<{ line: string }>(
    `SELECT line FROM (
       SELECT format('%s %s %s %s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
         || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS line
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE n.nspname IN ($1, $2) AND a.attnum > 0
       UNION ALL
       SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
       WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ($1, $2))
       UNION ALL
       SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname IN ($1, $2) AND p.prokind = 'f'
       UNION ALL
       SELECT indexdef FROM pg_indexes WHERE schemaname IN ($1, $2)
       UNION ALL
       SELECT viewname || definition FROM pg_views WHERE schemaname IN ($1, $2)
     ) lines ORDER BY line`,
    [internal, schema],
  );
  return rows.map(({ line }) => line);
}

for (const [schema, internal] of [
  ['public', 'tidegate'],
  ['plant', 'plant_tidegate'],
] as const) {
  test(`the script in an empty database makes what migrate makes (${schema})`, async () => {
    await using scripted = await createDatabase();
    await apply(scripted, migrationScript({ schema, ...ROLES }));
    await using migrated = await createDatabase();
    const options = { url: migrated.url, schema, readerRole: null, writerRole: null, logger: silent };
    await migrate(options);
    assert.deepEqual(await describe(scripted, internal, schema), await describe(migrated, internal, schema));
    assert.deepEqual(await migrate({ ...options, url: scripted.url }), [], 'nothing is pending after it');
    const owners = await scripted.query(
      `SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = $1::regnamespace`,
      [internal],
    );
    assert.deepEqual(owners, [{ owner: 'tidegate_owner' }]);
  });

  test(`its three roles do their work and nothing else (${schema})`, async () => {
    await using database = await createDatabase();
    await apply(database, migrationScript({ schema, ...ROLES }));
    const writer = await login(database, ROLES.writerRole, false);
    const reader = await login(database, ROLES.readerRole, false);
    await using sink = openSink(writer, { schema });
    assert.deepEqual(
      fate(await sink.put(series('a', NOW, 5), series('a', NOW - 4_000 * 86_400 * SECOND, 1_000))),
      [1_005, 0, 0],
    );
    await sink.maintain();
    for (const { url } of [reader, writer]) {
      const as: TestDatabase = { ...database, query: (sql) => queryAs(url, sql) };
      assert.equal(await count(as, `${schema}.iot_data`), 1_005);
      assert.equal(await count(as, `${schema}.iot_points('a', 'x', '2000-01-01', '2100-01-01')`), 1_005);
      assert.equal(
        await count(as, `${schema}.iot_points(ARRAY['a'], ARRAY['x'], '2000-01-01', '2100-01-01')`),
        1_005,
      );
      for (const view of ['iot_text', 'iot_series', 'iot_devices', 'iot_latest', 'iot_dead_letters']) {
        await count(as, `${schema}.${view}`);
      }
    }
    const denied = /permission denied|must be owner/;
    for (const sql of [
      `INSERT INTO ${internal}.points VALUES (1, now(), 1)`,
      `DELETE FROM ${internal}.points`,
      `UPDATE ${internal}.series SET kind = 'state'`,
      `TRUNCATE ${internal}.points`,
      `SELECT ${internal}.open_chunk('points', now(), '1 day')`,
      `CREATE TABLE ${schema}.mine (x int)`,
      `CREATE TABLE ${internal}.mine (x int)`,
    ]) {
      await assert.rejects(queryAs(reader.url, sql), denied, `reader: ${sql}`);
    }
    for (const sql of [
      `DROP TABLE ${internal}.points`,
      `ALTER TABLE ${internal}.points ADD COLUMN x int`,
      `TRUNCATE ${internal}.points`,
      `CREATE TABLE ${internal}.mine (x int)`,
      `CREATE TABLE ${schema}.mine (x int)`,
    ]) {
      await assert.rejects(queryAs(writer.url, sql), denied, `writer: ${sql}`);
    }
  });
}

test('roles that nobody named are made and granted to under their own names', async () => {
  await using database = await createDatabase();
  await apply(database, migrationScript({ schema: 'public', readerRole: null, writerRole: null }));
  const rights = await database.query(
    `SELECT has_table_privilege('tidegate_writer', 'tidegate.points', 'INSERT') AS writer,
       has_table_privilege('tidegate_reader', 'public.iot_data', 'SELECT') AS reader`,
  );
  assert.deepEqual(rights, [{ writer: true, reader: true }]);
});

async function queryAs(url: string, sql: string): Promise<never[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows as never[];
  } finally {
    await client.end();
  }
}
