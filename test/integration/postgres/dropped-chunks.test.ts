import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { point, SECOND } from '../../unit/pipeline/messages.ts';
import { openSink } from './sinks.ts';

const NOW = Math.floor(Date.now() / 1000) * SECOND;

test('a chunk that another writer took out of the map first: the batch is tried again, not taken apart', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(point('d', 'x', NOW, 1));
  const [chunk] = await database.query<{ leaf: string }>(
    `SELECT leaf FROM tidegate.chunks WHERE source = 'points' AND state = 'open'
       AND to_timestamp($1) >= range_start AND to_timestamp($1) < range_end`,
    [NOW / SECOND],
  );
  assert.ok(chunk);
  await database.query(`DROP TABLE tidegate.${chunk.leaf}`);
  const other = await database.connect();
  await other.query('BEGIN; SELECT pg_advisory_xact_lock_shared(tidegate.chunk_map_lock())');
  const put = sink.put(point('d', 'x', NOW + SECOND, 2));
  const refused = assert.rejects(put, {
    action: 'retry',
    sqlstate: '23514',
    message: 'the chunks changed meanwhile',
  });
  await eventually(
    'it waits for the map',
    async () =>
      (
        await database.query(
          `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
           WHERE locktype = 'advisory' AND NOT granted`,
        )
      ).length > 0,
  );
  await other.query(`DELETE FROM tidegate.chunks WHERE leaf = '${chunk.leaf}'`);
  await other.query('UPDATE tidegate.chunk_map SET version = version + 1');
  await other.query('COMMIT');
  await refused;
  assert.equal((await sink.put(point('d', 'x', NOW + SECOND, 2))).totals.points.stored, 1);
});

test('a row without a partition for another reason is told as it is', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await sink.put(point('d', 'x', NOW, 1));
  await database.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON tidegate.points FOR EACH ROW EXECUTE FUNCTION refuse()`);
  await assert.rejects(sink.put(point('d', 'x', NOW + SECOND, 2)), { action: 'isolate', sqlstate: '23514' });
});
