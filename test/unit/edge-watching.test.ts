import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLimits } from '../../src/app-options.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { EdgeWatching } from '../../src/edge-watching.ts';
import type { SpooledBatch } from '../../src/pipeline/spool-types.ts';
import type { DeviceObserver, PointWriter } from '../../src/pipeline/types.ts';
import { secretsOf } from '../../src/secrets.ts';
import { bdSeq, encodePayload } from '../support/sparkplug.ts';
import { message } from './pipeline/messages.ts';
import { silent } from './pipeline/ports.ts';

const config = loadConfig({
  env: {
    TIDEGATE_DATABASE_URL: 'postgres://localhost/tidegate',
    TIDEGATE_ROUTES: JSON.stringify([{ topic: 'spBv1.0/#', format: 'sparkplug_b' }]),
  },
});
const watching = () => new EdgeWatching(config, secretsOf(config), silent);

test('a birth in the spool is known before the first message', async () => {
  const payload = encodePayload({
    seq: 0,
    metrics: [bdSeq(0), { name: 'a', alias: 1, datatype: 3, intValue: 0 }],
  });
  async function* spooled(): AsyncGenerator<SpooledBatch> {
    const birth = message(() => {}, { topic: 'spBv1.0/G/NBIRTH/E', payload, receivedAt: 1_000_000 });
    const apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
    yield { id: 'x', epoch: null, messages: [{ ...birth, payload }], decoded: 1, apart };
  }
  const edges = watching();
  const decoder = createDecoder(config.routes, decodeLimits(config), edges.edges);
  await edges.restore({ lend: async () => undefined as never }, spooled(), decoder);
  const written: string[] = [];
  const out: PointWriter = {
    number: (device, metric, _time, value) => void written.push(`${device} ${metric}=${value}`),
    text: () => {},
    describe: () => {},
    reject: (code) => void written.push(code),
    drop: () => {},
  };
  const data = encodePayload({ seq: 1, metrics: [{ alias: 1, intValue: 5 }] });
  decoder.decode('spBv1.0/G/NDATA/E', data, out, false, 2_000_000);
  assert.deepEqual(written, ['G/E a=5']);
  assert.equal(edges.state.online, 1);
});

test('a death is no sign of life, a birth is', () => {
  const heard: string[] = [];
  const devices: DeviceObserver = { heard: (deviceId) => void heard.push(deviceId) };
  const observer = watching().heardBy(devices);
  for (const topic of ['spBv1.0/G/NBIRTH/E', 'spBv1.0/G/NDEATH/E', 'spBv1.0/G/DDEATH/E/d', 'a/NDEATH/b'])
    observer.heard(
      topic,
      message(() => {}, { topic }),
      Number.NaN,
    );
  assert.deepEqual(heard, ['spBv1.0/G/NBIRTH/E', 'a/NDEATH/b']);
});
