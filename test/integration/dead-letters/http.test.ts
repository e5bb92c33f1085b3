import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publish, startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';
import { at, count } from '../postgres/sinks.ts';
import { configured, receive } from './letters.ts';

/** Yesterday: the daemon's retention deletes what is older than a month. */
const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Math.floor(Date.now() / DAY_MS - 1) * DAY_MS).toISOString().slice(0, 10);
const NOON = at(`${YESTERDAY}T12:00:00Z`);
const CONFIG = `
routes:
  - {name: plant, topic: "plant/{device_id}", format: json, flatten: true}
`;

interface Letter {
  readonly dead_letter_id: number;
  readonly topic: string;
}

test('dead letters over HTTP, beside a daemon that receives', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  const large = Buffer.from('é'.repeat(1_700_000));
  await receive(configured(database, null, { TIDEGATE_INGEST_LIMITS_MESSAGE_BYTES: '8MiB' }), [
    { topic: 'plant/Kühlraum 3', payload: '{"level": 1}', at: NOON },
    { topic: 'plant/b', payload: '{"level": 2}', at: NOON + 1_000_000 },
    { topic: 'plant/large', payload: large, at: NOON + 2_000_000 },
  ]);
  await using daemon = await startDaemon({ env: addresses(broker, database.url), config: CONFIG });
  const api = `${daemon.url}/api/dead-letters`;
  const ask = async (path: string, method = 'GET', body?: object) => {
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(api + path, { method, ...json });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const listed = (await ask('?topic=plant/%23')).body['data'] as Letter[];
  assert.deepEqual(
    listed.map(({ topic }) => topic),
    ['plant/large', 'plant/b', 'plant/Kühlraum 3'],
  );
  const [{ dead_letter_id: largeId }, , { dead_letter_id: first }] = listed as [Letter, Letter, Letter];
  const shown = await ask(`/${largeId}`);
  assert.deepEqual(
    [shown.status, shown.body['truncated'], shown.body['payload_text'], shown.body['bytes']],
    [200, true, 'é'.repeat(32_768), 3_400_000],
  );
  const raw = await fetch(`${api}/${largeId}/payload`);
  const bytes = Buffer.from(await raw.arrayBuffer());
  assert.deepEqual([raw.status, bytes.length, bytes.equals(large)], [200, large.length, true]);
  assert.equal((await ask('/999999')).status, 404);
  assert.equal((await ask('?topic=a/%23/b')).status, 400);

  await publish(broker.url, [{ topic: 'plant/live', payload: '{"level": 5}' }]);
  const dry = await ask('/replay', 'POST', { ids: [first], dry_run: true });
  assert.deepEqual(
    [dry.body['replayed'], await count(database, `iot_data WHERE device_id <> 'live'`)],
    [1, 0],
    JSON.stringify(dry.body),
  );
  const replayed = await ask('/replay', 'POST', { all: true });
  assert.deepEqual(
    [replayed.status, replayed.body['replayed'], replayed.body['failed'], replayed.body['reasons']],
    [200, 2, 1, { payload_too_large: 1 }],
    JSON.stringify(replayed.body),
  );
  assert.deepEqual(
    await database.query(
      `SELECT device_id, "timestamp"::text AS at FROM iot_data WHERE device_id <> 'live' ORDER BY 2`,
    ),
    [
      { device_id: 'Kühlraum 3', at: `${YESTERDAY} 12:00:00+00` },
      { device_id: 'b', at: `${YESTERDAY} 12:00:01+00` },
    ],
  );
  assert.deepEqual((await ask(`/${largeId}`, 'DELETE')).body, { success: true, dry_run: false, dropped: 1 });
  assert.equal((await ask(`/${largeId}`, 'DELETE')).status, 404);
  assert.equal(await count(database, 'iot_dead_letters'), 0);
  // The account of the daemon stays what happened at the receipt.
  const stats = await eventually('the live message is settled', async () => {
    const sheet = await daemon.stats();
    return sheet.messages.settled === 1 && sheet;
  });
  const { received, dead_lettered } = stats.messages;
  assert.deepEqual([received, dead_lettered, stats.points.stored, stats.balanced], [4, 3, 1, true]);
  assert.equal(await daemon.stop(), 0);
});

test('orders are carried out one at a time, and end with the daemon', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await receive(configured(database), [{ topic: 'plant/a', payload: '{"level": 1}', at: NOON }]);
  await using daemon = await startDaemon({ env: addresses(broker, database.url), config: CONFIG });
  const replay = () =>
    fetch(`${daemon.url}/api/dead-letters/replay`, {
      method: 'POST',
      body: '{"all": true}',
      headers: { 'content-type': 'application/json' },
    });
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE tidegate.audit');
  const first = replay();
  await eventually(
    'it waits',
    async () =>
      (await count(
        database,
        `pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate dead-letters' AND wait_event_type = 'Lock'`,
      )) === 1,
  );
  const second = await replay();
  assert.equal(second.status, 409);
  await holder.query('ROLLBACK');
  assert.equal((await first).status, 200);
  assert.equal(await daemon.stop(), 0);
});
