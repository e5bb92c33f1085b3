import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { ROUNDS } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

/**
 * Their filters cover one another, so that each change has a moment in which the broker knows both; and each names the
 * metric otherwise, so that a message decoded by two of them is there twice, with or without a time of its own.
 */
const ROUTES = [
  'routes: [{topic: "devices/{device_id}/{metric_name}"}]',
  'routes: [{topic: "devices/{device_id}/reading", metric_name: narrow}]',
  'routes: [{topic: "{kind}/{device_id}/reading", metric_name: wide}]',
  'routes: [{topic: "other/{device_id}", metric_name: other}, {topic: "devices/{device_id}/+", metric_name: two}]',
];

test('routes change under load: nothing lost, nothing twice, in one session', needsMosquitto, async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using folder = await createFolder();
  const file = join(folder.path, 'tidegate.yaml');
  await writeFile(file, ROUTES[0] as string);
  await using daemon = await startDaemon({ env: addresses(broker, database.url), file });
  await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS });
  for (let round = 1; round <= Math.max(2 * ROUNDS, ROUTES.length); round++) {
    await traffic.more(200);
    await writeFile(file, ROUTES[round % ROUTES.length] as string);
    await daemon.reload();
  }
  await traffic.more(200);
  await traffic.stop();
  await traffic.untilStored(database);
  assertBalanced(await settled(daemon));
  const { lost, twice } = await traffic.findings(database);
  assert.deepEqual({ lost, twice }, { lost: [], twice: [] });
  const metrics = await database.query<{ name: string }>('SELECT DISTINCT metric_name AS name FROM iot_data');
  const names = metrics.map(({ name }) => name).sort();
  assert.deepEqual(names, ['narrow', 'reading', 'two', 'wide'], 'each set of routes decoded some');
  assert.equal(await metric(daemon, { name: 'mqtt_reconnects_total' }), 0);
  assert.doesNotMatch(daemon.output(), /stays as it was/);
  assert.equal(await daemon.stop(), 0);
});
