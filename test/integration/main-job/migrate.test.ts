import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrations } from '../../../src/postgres/migrate.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { tidegate } from '../../support/program.ts';

test('tidegate migrate makes the schema once', async () => {
  await using database = await createDatabase();
  const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_LOG_LEVEL: 'warn' };
  const first = await tidegate(['migrate'], env);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, new RegExp(`^Applied ${migrations('postgres').length}: `));
  const made = await catalog(database);
  assert.ok(made.includes('public.iot_data'), made.join());

  const second = await tidegate(['migrate'], env);
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.stdout, 'The schema is up to date.\n');
  assert.deepEqual(await catalog(database), made);
});

test('several at once: each step is applied once', async () => {
  await using database = await createDatabase();
  const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_LOG_LEVEL: 'warn' };
  const outcomes = await Promise.all([1, 2, 3].map(() => tidegate(['migrate'], env)));
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0, 0],
    outcomes.map(({ stderr }) => stderr).join(''),
  );
  const applied = outcomes.filter(({ stdout }) => stdout.startsWith('Applied '));
  assert.equal(applied.length, 1, outcomes.map(({ stdout }) => stdout).join(''));
});

test('tidegate migrate --sql prints a script that makes the same schema', async () => {
  await using printed = await createDatabase();
  await using migrated = await createDatabase({ template: true });
  const env = { TIDEGATE_DATABASE_URL: printed.url };
  const { code, stdout, stderr } = await tidegate(['migrate', '--sql'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await catalog(printed), [], 'nothing is applied');
  await printed.query(`${stdout}\nRESET ROLE`);
  assert.deepEqual(await catalog(printed), await catalog(migrated));
  const { stdout: after } = await tidegate(['migrate'], env);
  assert.equal(after, 'The schema is up to date.\n');
});

/** Every table, view and function that is ours. */
async function catalog(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `SELECT n.nspname || '.' || o.name AS name
     FROM (
       SELECT relnamespace AS schema, relname::text AS name FROM pg_class
       UNION ALL
       SELECT pronamespace, proname || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc
     ) o JOIN pg_namespace n ON n.oid = o.schema
     WHERE n.nspname IN ('public', 'tidegate') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
