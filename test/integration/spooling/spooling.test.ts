import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { routeDefaults } from '../../../src/config/route.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { type CommitProxy, startCommitProxy } from '../postgres/commit-proxy.ts';
import { lives } from './lives.ts';

let database: TestDatabase;
let proxy: CommitProxy;
before(async () => {
  database = await createDatabase({ template: true });
  proxy = await startCommitProxy(database.url);
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await database.drop();
});

/** Messages without a time of their own, each with a value of its own: stored twice, one would be seen twice. */
function send(life: { send(topic: string, payload: string): Promise<void> }, device: string, count: number) {
  return Promise.all(
    Array.from({ length: count }, (_, value) => life.send(`devices/${device}/x`, String(value))),
  );
}

async function assertStoredOnce(device: string, count: number): Promise<void> {
  const rows = await database.query<{ value: number }>(
    'SELECT value FROM iot_data WHERE device_id = $1 ORDER BY value',
    [device],
  );
  assert.deepEqual(
    rows.map(({ value }) => value),
    Array.from({ length: count }, (_, value) => value),
  );
}

/** The account that a next life begins with is what this one ended with. */
async function assertTotals(settled: number): Promise<void> {
  const [row] = await database.query<{ settled: number }>(
    `SELECT (sum(settled))::int AS settled FROM (SELECT messages_settled AS settled FROM tidegate.ingest_totals
       UNION ALL SELECT messages_settled FROM tidegate.batches) AS all_of_them`,
  );
  assert.equal(row?.settled, settled);
}

let settledBefore = 0;

test('a connection that becomes a black hole: acknowledged out of the spool, stored once when the line is back', async () => {
  await using spool = await lives();
  const life = await spool.start(proxy.url);
  await send(life, 'hole', 3);
  proxy.blackHole(true);
  const more = Promise.all([3, 4, 5].map((value) => life.send('devices/hole/x', String(value))));
  await more;
  assert.ok(life.state().stats.messages.spooled > 0);
  proxy.blackHole(false);
  const { messages } = await life.settled();
  assert.equal(messages.settled, 6);
  await assertStoredOnce('hole', 6);
  assert.equal(await life.stop(), true);
  settledBefore += 6;
  await assertTotals(settledBefore);
});

for (const killed of [false, true]) {
  test(`a COMMIT in doubt that goes to the spool${killed ? ', and a SIGKILL after it' : ''}: looked up, stored once`, async () => {
    const device = `doubt-${killed}`;
    await using spool = await lives();
    let life = await spool.start(proxy.url);
    await send(life, `${device}-first`, 1);
    proxy.lose('answer');
    const sent = send(life, device, 20);
    await eventually('it is committed', async () => {
      const rows = await database.query('SELECT FROM iot_data WHERE device_id = $1', [device]);
      if (rows.length > 0) proxy.blackHole(true);
      return rows.length > 0;
    });
    await sent;
    const { spooled } = life.state().stats.messages;
    if (killed) {
      const killing = life.kill();
      await killing;
      proxy.blackHole(false);
      life = await spool.start(proxy.url);
    }
    proxy.blackHole(false);
    await life.maintain();
    const { messages, points } = await life.settled();
    await assertStoredOnce(device, 20);
    settledBefore += 21;
    assert.equal(messages.settled, settledBefore, `${spooled} of them were spooled`);
    assert.equal(points.stored, settledBefore);
    assert.equal(messages.received, settledBefore);
    assert.equal(await life.stop(), true);
    await assertTotals(settledBefore);
  });
}

test('killed after a COMMIT of the drain and before its records are consumed: no fold forgets them, stored once', async () => {
  await using spool = await lives();
  proxy.blackHole(true);
  const first = await database_away(spool);
  for (let value = 0; value < 20; value++) await first.send('devices/consumed/x', String(value));
  const batches = first.state().spool?.batches ?? 0;
  assert.ok(batches > 2, `${batches} records`);
  await first.kill();
  proxy.blackHole(false);
  const second = await spool.start(proxy.url, {
    spool: (one) => ({
      get state() {
        return one.state;
      },
      damaged: one.damaged,
      append: (batch) => one.append(batch),
      // Of what is written at once here the next life has more.
      next: () => one.next({ points: batches - 2, bytes: 1_000_000 }),
      consume: () => new Promise(() => {}),
      close: () => one.close(),
    }),
  });
  await eventually('records are committed', async () => {
    const rows = await database.query(`SELECT FROM iot_data WHERE device_id = 'consumed'`);
    return rows.length > 0;
  });
  await second.maintain();
  await second.kill();
  const third = await spool.start(proxy.url);
  await third.settled();
  await assertStoredOnce('consumed', 20);
  settledBefore += 20;
  assert.equal((await third.settled()).messages.settled, settledBefore);
  assert.equal(await third.stop(), true);
  await assertTotals(settledBefore);
});

test('a row that PostgreSQL refuses inside the spool: set apart with its payload, the others are stored', async () => {
  await database.query(
    `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.value = 13 THEN RAISE EXCEPTION 'thirteen'; END IF; RETURN NEW; END $$`,
  );
  await using spool = await lives();
  proxy.blackHole(true);
  const away = await database_away(spool);
  // Few enough of one series to become rows, which is where the trigger is.
  await send(away, 'refused', 15);
  await away.kill();
  proxy.blackHole(false);
  await database.query(
    'CREATE TRIGGER refuse BEFORE INSERT ON tidegate.points FOR EACH ROW EXECUTE FUNCTION public.refuse()',
  );
  const life = await spool.start(proxy.url);
  const { messages } = await life.settled();
  const letters = await database.query<{ payload: Buffer; code: string; topic: string }>(
    `SELECT topic, payload, code FROM tidegate.dead_letters WHERE topic = 'devices/refused/x'`,
  );
  assert.deepEqual(
    letters.map(({ topic, payload, code }) => [topic, payload.toString(), code]),
    [['devices/refused/x', '13', 'database_rejected']],
  );
  const [row] = await database.query<{ rows: number }>(
    `SELECT count(DISTINCT value)::int AS rows FROM iot_data WHERE device_id = 'refused' AND value <> 13`,
  );
  assert.equal(row?.rows, 14);
  settledBefore += 14;
  assert.deepEqual([messages.settled, messages.dead_lettered], [settledBefore, 1]);
  assert.equal(await life.stop(), true);
  await database.query('DROP TRIGGER refuse ON tidegate.points');
});

test('routes that changed between receipt and drain: those of today decide, and the account follows', async () => {
  await using spool = await lives();
  proxy.blackHole(true);
  const away = await database_away(spool);
  await away.send('devices/changed', '{"a": 1, "b": 2, "timestamp": 1767225600}');
  await away.kill();
  proxy.blackHole(false);
  const topic = 'devices/{device_id}';
  const life = await spool.start(proxy.url, {
    routes: [{ ...routeDefaults(), name: 'only a', topic, include: ['a'] }],
  });
  assert.equal(life.state().stats.points.spooled, 2);
  await life.settled();
  assert.deepEqual(
    await database.query(`SELECT metric_name, value FROM iot_data WHERE device_id = 'changed'`),
    [{ metric_name: 'a', value: 1 }],
  );
  assert.equal(await life.stop(), true);
});

/** A life whose database is there at its start only. */
async function database_away(spool: Awaited<ReturnType<typeof lives>>) {
  proxy.blackHole(false);
  const life = await spool.start(proxy.url, { after: 50 });
  proxy.blackHole(true);
  return life;
}
