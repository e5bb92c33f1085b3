import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { readPayload } from '../../../src/decode/sparkplug/message.ts';
import { needsMosquitto, publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { metric, settled, startDaemon, startFaultyDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { startProxy, through } from '../../support/proxy.ts';
import { bdSeq, encodePayload } from '../../support/sparkplug.ts';
import { expectValues, lettersOf, sparkplugDaemon } from './daemons.ts';

/** 2026-01-01T00:00:00Z, in milliseconds. */
const T0 = 1_767_225_600_000;

/** An edge node `G/<name>` that publishes at QoS 1, with aliases. */
function edgeNode(broker: TestBroker, name: string) {
  let seq = 0;
  const send = async (type: string, payload: Parameters<typeof encodePayload>[0]) =>
    await publish(broker.url, [{ topic: `spBv1.0/G/${type}/${name}`, payload: encodePayload(payload) }]);
  return {
    /** `names`: the metrics with the aliases 1, 2, ... */
    birth: async (session: number, at: number, ...names: string[]) => {
      seq = 0;
      const metrics = names.map((metric, index) => ({
        name: metric,
        alias: index + 1,
        datatype: 3,
        intValue: 0,
      }));
      await send('NBIRTH', { timestamp: T0 + at, seq, metrics: [bdSeq(session), ...metrics] });
    },
    /** `skipped`: messages before this one that are lost. */
    data: async (at: number, alias: number, value: number, skipped = 0) => {
      seq = (seq + 1 + skipped) % 256;
      await send('NDATA', { timestamp: T0 + at, seq, metrics: [{ alias, intValue: value }] });
    },
  };
}

test(
  'a birth that was received and not written comes again, and data is read by it',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = sparkplugDaemon(broker, database.url);
    const edge = edgeNode(broker, 'E');
    await using first = startFaultyDaemon({ ...env, FAULT_POINT: 'sealed' });
    await first.logged(/subscribed at/);
    await edge.birth(0, 0, 'a', 'b');
    await first.killed();
    await using daemon = await startDaemon({ env });
    await edge.data(1_000, 2, -5 >>> 0);
    await expectValues(database, 'G/E', ['a=0', 'b=0', 'online=1', 'b=-5']);
    assert.deepEqual(await lettersOf(database), []);
    const payload = encodePayload({ timestamp: T0, seq: 3, metrics: [{ alias: 2, intValue: 7 }] });
    const explained = await fetch(`${daemon.url}/api/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        topic: 'spBv1.0/G/NDATA/E',
        payload_base64: Buffer.from(payload).toString('base64'),
      }),
    });
    assert.match(await explained.text(), /"metric_name":"b","value":7,/, 'the API knows the birth');
    assert.equal(await daemon.stop(), 0);
  },
);

test(
  'data whose birth is not known waits, its birth is asked for, and it is replayed by itself, after a restart too',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = { ...sparkplugDaemon(broker, database.url), TIDEGATE_SPARKPLUG_REBIRTH_ENABLED: 'true' };
    const host = await connectAsync(broker.url);
    try {
      await host.subscribeAsync('spBv1.0/G/NCMD/#');
      const commands: string[] = [];
      host.on('message', (topic, payload) => {
        const [command] = readPayload(payload, 10).metrics;
        commands.push(`${topic} ${command?.name}=${JSON.stringify(command?.value)}`);
      });
      await using first = await startDaemon({ env });
      const edge = edgeNode(broker, 'E');
      await edge.data(1_000, 1, 7);
      await eventually(
        'it waits',
        async () => (await lettersOf(database)).join() === 'sparkplug_unknown_alias',
      );
      await eventually('a birth is asked for', () => commands.length > 0);
      assert.equal(commands[0], 'spBv1.0/G/NCMD/E Node Control/Rebirth=true');
      assert.equal(await first.stop(), 0);
      await using daemon = await startDaemon({ env });
      await edge.birth(0, 2_000, 'a');
      await expectValues(database, 'G/E', ['a=7', 'a=0', 'online=1']);
      await eventually('nothing waits', async () => (await lettersOf(database)).length === 0);
      // Lost messages are another reason to ask.
      const asked = commands.length;
      await edge.data(3_000, 1, 8, 3);
      await expectValues(database, 'G/E', ['a=7', 'a=0', 'online=1', 'a=8']);
      await eventually('it is asked again', () => commands.length > asked);
      assert.equal(await metric(daemon, { name: 'edge_messages_missing_total' }), 3);
      assert.equal(await metric(daemon, { name: 'edge_nodes', labels: { state: 'online' } }), 1);
      assert.equal(await daemon.stop(), 0);
    } finally {
      await host.endAsync();
    }
  },
);

test(
  'what lay in the spool is read by the births of its own time, after a crash too',
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using proxy = await startProxy(Number(new URL(database.url).port));
    await using folder = await createFolder();
    const env = {
      ...sparkplugDaemon(broker, through(proxy, database.url)),
      TIDEGATE_SPOOL_PATH: folder.path,
      TIDEGATE_SPOOL_AFTER: '100ms',
    };
    const edge = edgeNode(broker, 'E');
    await using first = await startDaemon({ env });
    await edge.birth(0, 0, 'a', 'b');
    await expectValues(database, 'G/E', ['a=0', 'b=0', 'online=1']);
    proxy.refuse();
    await edge.data(1_000, 1, 1);
    await edge.birth(1, 2_000, 'b', 'a');
    await edge.data(3_000, 1, 3);
    await eventually('all is in the spool', async () => (await first.stats()).messages.spooled === 3);
    await first.kill();
    // It is read before the spool is drained.
    await edge.data(4_000, 2, 4);
    proxy.heal();
    await using second = await startDaemon({ env });
    await settled(second);
    await expectValues(database, 'G/E', [
      'a=0',
      'b=0',
      'online=1',
      'a=1',
      'a=0',
      'b=0',
      'online=1',
      'b=3',
      'a=4',
    ]);
    assert.deepEqual(await lettersOf(database), []);
    assert.equal(await second.stop(), 0);
  },
);
