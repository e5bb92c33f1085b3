import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { routeDefaults } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { Acknowledger } from '../../../src/mqtt/acknowledger.ts';
import { Ledger } from '../../../src/mqtt/ledger.ts';
import { PayloadRoom } from '../../../src/mqtt/payload-room.ts';
import { Received } from '../../../src/mqtt/received.ts';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import { NEW_YEAR, TAKE_ALL } from './messages.ts';

const LIMITS = {
  messageBytes: 1_000_000,
  pointsPerMessage: 10_000,
  namesPerMessage: 10_000,
  nesting: 32,
  nameLength: 255,
  textLength: 65_536,
};
const ROUTES = ['devices/{device_id}/{metric_name}', 'devices/{device_id}'].map((topic) => ({
  ...routeDefaults(),
  name: topic,
  topic,
}));

setFlagsFromString('--expose-gc');
// Or buffers that a collection found are given back, and counted, by another thread some time after it.
setFlagsFromString('--no-concurrent-array-buffer-sweeping');
const collect = runInNewContext('gc') as () => void;

/** Whatever was made: nothing of it may be given back while another is measured. */
const kept: BatchBuilder[] = [];

const ROOM = new PayloadRoom();
const ledger = new Ledger<Received>();
const acknowledger = new Acknowledger(() => {});

function inMemory(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** As the parser hands messages on: payloads and topics of one read of the socket share its memory. */
function receive(count: number, of: (index: number) => [topic: string, payload: string]): Received[] {
  let read = Buffer.alloc(0);
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const [topic, payload] = of(index);
    const length = topic.length + payload.length + 7;
    if (at + length > read.length) {
      read = Buffer.alloc(Math.max(65_536, length));
      at = 0;
    }
    read.write(topic + payload, at + 7, 'latin1');
    const packet = {
      cmd: 'publish' as const,
      topic: read.toString('utf8', at + 7, at + 7 + topic.length),
      payload: read.subarray(at + 7 + topic.length, at + length),
      qos: 1 as const,
      dup: false,
      retain: false,
      messageId: (index % 60_000) + 1,
    };
    at += length;
    const identity = ledger.arrive(packet.messageId, 0xdeadbeef, 0xcafebabe + index, false);
    const ordinal = acknowledger.add(packet.messageId);
    return new Received(packet, NEW_YEAR + index, false, ledger, identity, acknowledger, ordinal, ROOM);
  });
}

for (const [what, count, of] of [
  [
    'one point of a device each',
    20_000,
    (index) => [
      `devices/building-7-device-${index}/temperature`,
      `{"value":${index}.5,"timestamp":1767225600123}`,
    ],
  ],
  [
    'ten metrics of a device each',
    3_000,
    (index) => [
      `devices/building-7-device-${index}`,
      `{"timestamp":1767225600123,${Array.from({ length: 10 }, (_, metric) => `"metric-${metric}":${index}.5`).join(',')}}`,
    ],
  ],
  [
    'one point of few devices',
    20_000,
    (index) => [
      `devices/device-${index % 100}/x`,
      `{"value":${index}.5,"timestamp":${1_767_225_600_123 + index}}`,
    ],
  ],
] as readonly (readonly [string, number, (index: number) => [string, string]])[]) {
  test(`what a batch holds in memory is what it counts, or a little less: ${what}`, () => {
    const decoder = createDecoder(ROUTES, LIMITS);
    const make = (): BatchBuilder => {
      const made = new BatchBuilder(decoder, new SeriesRegistry(1_000_000), TAKE_ALL, () => {});
      kept.push(made);
      return made;
    };
    // What is compiled, and what the decoder keeps for itself.
    const warm = make();
    for (const delivery of receive(count, of)) warm.add(delivery);
    const builder = make();
    for (const delivery of receive(100, of)) builder.add(delivery);
    const [before, counted] = [inMemory(), builder.bytes];
    for (const delivery of receive(count, of)) builder.add(delivery);
    const [taken, said] = [inMemory() - before, builder.bytes - counted];
    assert.ok(
      taken < said * 1.1 && taken > said * 0.5,
      `${taken / count} bytes a message, counted ${said / count}`,
    );
  });
}
