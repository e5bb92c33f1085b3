import assert from 'node:assert/strict';
import { test } from 'node:test';
import sparkplug from 'sparkplug-client';
import { needsMosquitto, startBroker } from '../../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startProxy } from '../../support/proxy.ts';
import { expectValues, lettersOf, sparkplugDaemon } from './daemons.ts';

/** 2026-01-01T00:00:00Z, in milliseconds. */
const T0 = 1_767_225_600_000;

test(
  'a real edge node is born, publishes, dies and is born again, and its points arrive right',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using proxy = await startProxy(broker.port);
    await using daemon = await startDaemon({ env: sparkplugDaemon(broker, database.url) });
    let births = 0;
    const client = sparkplug.newClient({
      serverUrl: `mqtt://127.0.0.1:${proxy.port}`,
      username: '',
      password: '',
      groupId: 'Plant',
      edgeNode: 'Press',
      clientId: 'press',
      mqttOptions: { reconnectPeriod: 100 },
    });
    client.on('error', () => undefined);
    client.on('birth', () => {
      const timestamp = T0 + 10_000 * births++;
      client.publishNodeBirth({
        timestamp,
        metrics: [
          { name: 'Node Control/Rebirth', type: 'Boolean', value: false },
          { name: 'Temperature', type: 'Double', value: 20 + births },
          { name: 'Count', type: 'Int32', value: -births },
          { name: 'State', type: 'String', value: '0042' },
        ],
      });
      client.publishDeviceBirth('Pump', {
        timestamp,
        metrics: [{ name: 'Motor/Running', type: 'Boolean', value: false }],
      });
    });
    try {
      await expectValues(database, 'Plant/Press/Pump', ['Motor/Running=0', 'online=1']);
      client.publishNodeData(
        { timestamp: T0 + 1_000, metrics: [{ name: 'Temperature', type: 'Double', value: 25.5 }] },
        { compress: true, algorithm: 'GZIP' },
      );
      client.publishDeviceData('Pump', {
        timestamp: T0 + 2_000,
        metrics: [{ name: 'Motor/Running', type: 'Boolean', value: true }],
      });
      await expectValues(database, 'Plant/Press/Pump', ['Motor/Running=0', 'online=1', 'Motor/Running=1']);
      // The broker publishes its death.
      proxy.refuse();
      const online = async (device: string) => {
        const rows = await database.query<{ value: number; late: boolean }>(
          `SELECT value, timestamp > now() - interval '1 hour' AS late FROM iot_data
           WHERE device_id = $1 AND metric_name = 'online' ORDER BY timestamp`,
          [device],
        );
        return rows.map(({ value, late }) => `${value}${late ? ' at its arrival' : ''}`).join();
      };
      for (const device of ['Plant/Press', 'Plant/Press/Pump'])
        await eventually('it is offline', async () => (await online(device)) === '1,0 at its arrival');
      proxy.heal();
      await eventually(
        'it was born again',
        async () => (await online('Plant/Press/Pump')).split(',').length === 3,
      );
      await expectValues(database, 'Plant/Press', [
        'Count=-1',
        'State=0042',
        'Temperature=21',
        'online=1',
        'Temperature=25.5',
        'Count=-2',
        'Temperature=22',
        'online=1',
        'online=0',
      ]);
      assert.deepEqual(await lettersOf(database), []);
      assertBalanced(await settled(daemon));
      const kinds = await database.query<{ metric_name: string; kind: string }>(
        `SELECT metric_name, kind FROM iot_series WHERE device_id = 'Plant/Press/Pump' ORDER BY 1`,
        [],
      );
      assert.deepEqual(
        kinds.map(({ metric_name: metric, kind }) => `${metric} ${kind}`),
        ['Motor/Running state', 'online state'],
      );
    } finally {
      client.stop();
    }
    assert.equal(await daemon.stop(), 0);
  },
);
