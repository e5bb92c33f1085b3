import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';

test('Venus OS, which publishes only while somebody asks, is asked and its points are stored', async (t) => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  const venus = await connectAsync(broker.url, { log: () => {} });
  t.after(() => venus.endAsync());
  venus.on('message', (_topic, payload) => {
    if (payload.length > 0) return;
    venus.publish('N/c0619ab9c5f4/pvinverter/20/Ac/Power', '{"value": 936}');
    venus.publish('N/c0619ab9c5f4/pvinverter/20/Ac/L2/Power', '');
  });
  await venus.subscribeAsync('R/c0619ab9c5f4/keepalive');
  await using daemon = await startDaemon({
    env: addresses(broker, database.url),
    config: 'mqtt: {victron: {portals: [c0619ab9c5f4]}}\nroutes: [{preset: victron}]\n',
  });
  const rows = await eventually('the point', async () => {
    const found = await database.query('SELECT device_id, metric_name, value FROM iot_data');
    return found.length > 0 && found;
  });
  assert.deepEqual(rows, [{ device_id: 'c0619ab9c5f4/pvinverter/20', metric_name: 'Ac/Power', value: 936 }]);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(await database.query('SELECT code FROM iot_dead_letters'), []);
});
