import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { PostgresLeadership } from '../../../src/postgres/leader.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

function candidate(clientId: string): PostgresLeadership {
  return new PostgresLeadership({ url: database.url, schema: 'public', clientId });
}

async function recorded() {
  const rows = await database.query<{ epoch: string; leader: string | null; since: Date | null }>(
    'SELECT epoch, leader, since FROM tidegate.scheduler',
  );
  return rows[0];
}

/** Ends the sessions that hold the lock, as an administrator or a crash of the host would. */
async function cut(): Promise<void> {
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND (classid::bigint << 32 | objid::bigint) = tidegate.leader_lock()
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
}

test('one leads at a time, each under a higher number; the table has its name until it leaves', async () => {
  const [first, second] = [candidate('first'), candidate('second')];
  const lead = await first.tryAcquire();
  assert.equal(lead?.epoch, 1);
  assert.equal(await second.tryAcquire(), null);
  const row = await recorded();
  assert.match(String(row?.leader), /^first@./);
  assert.ok(Number(row?.since) > Date.now() - 60_000);
  await first.release();
  assert.deepEqual(await recorded(), { epoch: '1', leader: null, since: null });
  assert.ok(lead.lost.aborted);
  assert.equal((await second.tryAcquire())?.epoch, 2);
  assert.equal(await first.tryAcquire(), null);
  await Promise.all([first.release(), second.release(), second.release()]);
});

test('a session that is cut is a lost lead, and another takes it', async () => {
  const [first, second] = [candidate('first'), candidate('second')];
  const lead = await first.tryAcquire();
  assert.ok(lead);
  assert.equal(await second.tryAcquire(), null);
  const lost = once(lead.lost, 'abort');
  await cut();
  await lost;
  const next = await eventually('the lock is free', () => second.tryAcquire());
  assert.equal(next.epoch, lead.epoch + 1);
  await first.release();
  assert.match(String((await recorded())?.leader), /^second@/, 'a late release takes nothing from it');
  await second.release();
});

test('who finds another number in the table gives the lead up', async () => {
  const first = candidate('first');
  const lead = await first.tryAcquire();
  assert.ok(lead);
  const lost = once(lead.lost, 'abort');
  await database.query('UPDATE tidegate.scheduler SET epoch = epoch + 1');
  await lost;
  await first.release();
});

test('rejects where the database is away', async () => {
  const url = 'postgres://nobody@127.0.0.1:1/none';
  const nobody = new PostgresLeadership({ url, schema: 'public', clientId: 'x' });
  await assert.rejects(nobody.tryAcquire(), { code: 'database_unreachable' });
  await nobody.release();
});
