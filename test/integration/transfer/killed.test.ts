import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { spawnTidegate, tidegate } from '../../support/program.ts';
import { environment } from '../dead-letters/letters.ts';
import { count } from '../postgres/sinks.ts';

const ROWS = 70_000;
/** Of a batch. */
const BATCH = 50_000;
const BEGIN = Date.parse('2024-02-01T00:00:00Z') / 1000;

test('an import that is killed in the middle goes on where it was: nothing is lost, nothing is twice', async () => {
  await using database = await createDatabase({ template: true });
  await using folder = await createFolder();
  const path = join(folder.path, 'history.csv');
  const lines = Array.from({ length: ROWS }, (_, row) =>
    row === 60_000 ? 'k,x,never,0' : `k${row % 7},x,${BEGIN + row},${row}`,
  );
  await writeFile(path, `device,metric,time,value\n${lines.join('\n')}\n`);
  const env = environment(database);
  // The second batch waits at its end, as if the database were slow there.
  await database.query(`CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$`);
  await database.query(`CREATE TRIGGER wait_here AFTER UPDATE ON tidegate.imports FOR EACH ROW
    WHEN (NEW.position > ${BATCH}) EXECUTE FUNCTION wait_here()`);
  const holder = await database.connect();
  await holder.query('SELECT pg_advisory_lock(42)');

  const child = spawnTidegate(['import', path], env);
  await eventually(
    'the second batch waits',
    async () =>
      (await count(
        database,
        `pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
         WHERE locktype = 'advisory' AND objid = 42 AND NOT granted`,
      )) === 1,
  );
  const beside = await tidegate(['import', path], env);
  assert.equal(beside.code, 1);
  assert.match(beside.stderr, /^tidegate: import_running: import 1 is under way/);
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  await holder.query('SELECT pg_advisory_unlock(42)');
  await eventually(
    'the server notices',
    async () =>
      (await count(
        database,
        `pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%import%'`,
      )) === 0,
  );
  const [before] = await database.query<{ records: string }>('SELECT records FROM iot_imports');
  const stored = await count(database, 'iot_data');
  // The second one may have been committed, unheard.
  assert.ok([BATCH, 2 * BATCH].includes(Number(before?.records)), before?.records);
  assert.equal(stored, Number(before?.records) - (stored > BATCH ? 1 : 0));

  const { code, stdout, stderr } = await tidegate(['import', path, '--json'], env);
  const report = JSON.parse(stdout) as {
    records: number;
    rejects: unknown;
    points: Record<string, number>;
    check: { passed: boolean };
  };
  assert.equal(code, 1, stderr);
  assert.deepEqual(report.rejects, [
    { line: 60_002, code: 'timestamp_invalid', detail: 'the time is "never"' },
  ]);
  assert.deepEqual([report.records, report.check.passed], [ROWS, true]);
  const { decoded, stored: all, duplicate, conflict } = report.points;
  assert.deepEqual([decoded, all, duplicate, conflict], [ROWS, ROWS - 1, 0, 0]);
  const [found] =
    await database.query(`SELECT count(*)::int, count(DISTINCT value)::int AS different, sum(value)::float8 AS sum,
    count(DISTINCT device_id)::int AS devices FROM iot_data`);
  const sum = (ROWS * (ROWS - 1)) / 2 - 60_000;
  assert.deepEqual(found, { count: ROWS - 1, different: ROWS - 1, sum, devices: 7 });
  assert.equal(await count(database, 'iot_imports WHERE finished_at IS NOT NULL'), 1);
});
