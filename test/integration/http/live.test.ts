import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needsMosquitto, publish, startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';
import { NEW_YEAR, point } from '../../unit/pipeline/messages.ts';
import { openSink } from '../postgres/sinks.ts';

suite('/api/live of a daemon', needsMosquitto, () => {
  test('a point is stored when it is told, and SIGTERM ends the stream', async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    const response = await fetch(`${daemon.url}/api/live?device_id=boiler`);
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) {
        const { value, done } = await reader.read();
        assert.ok(!done, text);
        text += value;
      }
    };
    await until(/listening/);
    await publish(broker.url, [
      { topic: 'devices/other/temperature', payload: '1' },
      {
        topic: 'devices/boiler/temperature',
        payload: '{"value": 21.5, "timestamp": "2026-01-01T00:00:00Z"}',
      },
    ]);
    await until(/temperature/);
    const stored = await database.query(`SELECT FROM iot_data WHERE device_id = 'boiler' AND value = 21.5`);
    assert.equal(stored.length, 1);
    assert.match(
      text,
      /\n\nid: 1\nevent: point\ndata: \{"device_id":"boiler","metric_name":"temperature","value":21.5,"timestamp":"2026-01-01T00:00:00.000000Z"\}\n\n/,
    );
    daemon.terminate();
    for (;;) {
      const { done } = await reader.read();
      if (done) break;
    }
    assert.equal(await daemon.exited(), 0);
  });

  test('a process that only answers tells what another one stores', async () => {
    await using database = await createDatabase({ template: true });
    await using sink = openSink(database);
    await sink.put(point('boiler', 'temperature', NEW_YEAR, 20));
    await using daemon = await startDaemon({
      env: {
        TIDEGATE_DATABASE_URL: database.url,
        TIDEGATE_COMPONENTS: 'api',
        TIDEGATE_HTTP_PORT: '0',
      },
    });
    const response = await fetch(`${daemon.url}/api/live?match=boil*`);
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    const reading = (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        text += value;
      }
    })();
    let later = 0;
    // Points before its first look are none of its news.
    await eventually('a point is told', async () => {
      await sink.put(point('boiler', 'temperature', NEW_YEAR + ++later, 21));
      return text.includes('data: ');
    });
    assert.match(text, /"device_id":"boiler","metric_name":"temperature","value":21,/);
    await sink.put(point('boiler', 'temperature', NEW_YEAR - 1, 19));
    await eventually('a point before all others is told', async () => text.includes('"value":19,'));
    const among = [NEW_YEAR - 10, NEW_YEAR - 1, NEW_YEAR + 1_000].map((time) =>
      point('boiler', 'temperature', time - 5, 18),
    );
    await sink.put(...among, point('boiler', 'temperature', NEW_YEAR + 2_000, 17));
    await eventually('late points are named', async () => /event: late\n.*"count":\d/.test(text));
    daemon.terminate();
    await reading;
    assert.equal(await daemon.exited(), 0);
  });
});
