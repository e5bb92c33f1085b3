import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import {
  type MigrateOptions,
  migrate,
  migrations,
  pendingMigrations,
} from '../../../src/postgres/migrate.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';
import { count, openSink, series } from './sinks.ts';

const NAMES = migrations('postgres').map(({ name }) => name);
const OWN = NAMES.length;
const NOW = Math.floor(Date.now() / 1000) * SECOND;

function options(database: TestDatabase, schema = 'public'): MigrateOptions {
  return { url: database.url, schema, readerRole: null, writerRole: null, logger: silent };
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TidegateError, String(error));
    assert.ok(!error.message.includes('\n'), 'one line');
    return error.code;
  }
  throw new Error('was expected to fail');
}

test('migrations are numbered from 1 without a gap, and say what they are compatible with', () => {
  for (const [index, { version, name, compatibleFrom }] of migrations('postgres').entries()) {
    assert.equal(version, index + 1);
    assert.ok(name.startsWith(String(version).padStart(4, '0')));
    assert.ok(compatibleFrom >= 1 && compatibleFrom <= version, name);
  }
});

test('each engine has its migrations, in order, and ends with the version of the others', () => {
  const [postgres, timescale] = [migrations('postgres'), migrations('timescaledb')];
  const versions = timescale.map(({ version }) => version);
  assert.deepEqual(
    versions,
    [...new Set(versions)].toSorted((left, right) => left - right),
  );
  assert.equal(versions.at(-1), postgres.at(-1)?.version);
  assert.ok(timescale.some(({ name }) => name === '0005-hypertables'));
});

test('from nothing, and then nothing more', async () => {
  await using database = await createDatabase();
  assert.deepEqual(await migrate(options(database)), NAMES);
  assert.deepEqual(await migrate(options(database)), []);
  assert.deepEqual(
    await database.query(
      'SELECT version, name, checksum, compatible_from FROM tidegate.schema_versions ORDER BY 1',
    ),
    migrations('postgres').map(({ version, name, checksum, compatibleFrom }) => ({
      version,
      name,
      checksum,
      compatible_from: compatibleFrom,
    })),
  );
});

test('five daemons that migrate at once apply each migration once', async () => {
  await using database = await createDatabase();
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(options(database))));
  assert.deepEqual(applied.flat().sort(), NAMES);
});

test('a migration that fails leaves nothing of itself, and can be done again', async () => {
  await using database = await createDatabase();
  await database.query('CREATE VIEW public.iot_text AS SELECT 1');
  assert.equal(await failure(migrate(options(database))), 'schema_missing');
  assert.equal(await count(database, 'tidegate.schema_versions'), 2);
  assert.deepEqual(await database.query(`SELECT to_regclass('public.iot_data') AS view`), [{ view: null }]);
  await database.query('DROP VIEW public.iot_text');
  assert.deepEqual(await migrate(options(database)), NAMES.slice(2));
});

test('a migration that differs from the one applied is refused', async () => {
  await using database = await createDatabase({ template: true });
  await database.query(`UPDATE tidegate.schema_versions SET checksum = 'other' WHERE version = 2`);
  assert.equal(await failure(migrate(options(database))), 'schema_changed');
});

test('a newer schema is used where it allows it, and refused where it does not', async () => {
  await using database = await createDatabase({ template: true });
  const newer = (compatibleFrom: number) =>
    database.query(
      `INSERT INTO tidegate.schema_versions VALUES ($1, 'newer', 'unknown', $2)
       ON CONFLICT (version) DO UPDATE SET compatible_from = excluded.compatible_from`,
      [OWN + 1, compatibleFrom],
    );
  await newer(OWN);
  assert.deepEqual(await migrate(options(database)), []);
  assert.deepEqual(await pendingMigrations(await database.connect(), schemaNames('public')), []);
  await newer(OWN + 1);
  assert.equal(await failure(migrate(options(database))), 'schema_newer');
  const client = await database.connect();
  assert.equal(await failure(pendingMigrations(client, schemaNames('public'))), 'schema_newer');
});

test('two schemas in one database know nothing of one another', async () => {
  await using database = await createDatabase();
  const odd = `Plant "7"`;
  for (const schema of ['public', 'plant', odd])
    assert.deepEqual(await migrate(options(database, schema)), NAMES);
  await using first = openSink(database);
  await using second = openSink(database, { schema: 'plant' });
  await using third = openSink(database, { schema: odd });
  await Promise.all([
    first.put(series('a', NOW, 2)),
    second.put(series('a', NOW, 3), series('b', NOW, 4)),
    third.put(series('c', NOW, 1_000), series('c', NOW - 4_000 * 86_400 * SECOND, 1_000)),
  ]);
  for (const sink of [first, second, third]) await sink.maintain();
  assert.equal(await count(database, 'public.iot_data'), 2);
  assert.equal(await count(database, 'plant.iot_data'), 7);
  assert.equal(await count(database, '"Plant ""7""".iot_data'), 2_000);
  assert.equal(await count(database, `plant.iot_points('b', 'x', '2000-01-01', '2100-01-01')`), 4);
  assert.equal((await second.totals()).totals.points.stored, 7);
  const locks = await database.query(
    `SELECT DISTINCT lock FROM (VALUES (tidegate.chunk_map_lock()), (plant_tidegate.chunk_map_lock()),
       ("Plant ""7""_tidegate".chunk_map_lock())) AS l (lock)`,
  );
  assert.equal(locks.length, 3);
});

test('the schema is said to be missing where it was dropped by hand', async () => {
  await using database = await createDatabase({ template: true });
  const client = await database.connect();
  assert.deepEqual(await pendingMigrations(client, schemaNames('public')), []);
  await database.query('DROP SCHEMA tidegate CASCADE');
  assert.equal((await pendingMigrations(client, schemaNames('public'))).length, OWN);
});
