/** What the worst messages within the limits cost: CPU time and heap of decoding one, alone and into a batch. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { routeDefaults } from '../../src/config/route.ts';
import { createDecoder, type RouteDecoder } from '../../src/decode/decoder.ts';
import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import { EdgeNodes } from '../../src/decode/sparkplug/edge-nodes.ts';
import { BatchBuilder } from '../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../src/pipeline/series-registry.ts';
import type { PointWriter } from '../../src/pipeline/types.ts';
import { figure } from './figures.ts';
import { type WorstMessage, worstMessages } from './worst-messages.ts';

const MIB = 2 ** 20;
const RECEIVED_AT = 1_767_225_600_000_000;
const TAKE_ALL = { maxFuture: Number.POSITIVE_INFINITY, maxAge: Number.POSITIVE_INFINITY };
const NOBODY: PointWriter = { number() {}, text() {}, describe() {}, reject() {}, drop() {}, edge() {} };

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function worstLines(limits: DecodeLimits, rounds: number): string[] {
  const { messageBytes, pointsPerMessage, namesPerMessage } = limits;
  return [
    `  the worst messages of ${messageBytes / MIB} MiB, ${pointsPerMessage} points and ${namesPerMessage} names, decoder alone; into a batch; growth of the heap then`,
    ...worstMessages(limits).map((message) => {
      const alone: number[] = [];
      const batched: number[] = [];
      const heap: number[] = [];
      // The first round compiles.
      for (let round = 0; round <= rounds; round++) {
        alone.push(
          measure(message, limits, (decoder, topic) => {
            decoder.decode(topic, message.payload, NOBODY, false, RECEIVED_AT);
          }).millis,
        );
        const { millis, growth } = measure(message, limits, (decoder, topic) => {
          const registry = new SeriesRegistry(1_000_000);
          const builder = new BatchBuilder(decoder, registry, TAKE_ALL, () => {});
          builder.add(deliveryOf(topic, message.payload));
        });
        batched.push(millis);
        heap.push(growth);
      }
      const texts = [figure(alone.slice(1)).text('ms'), figure(batched.slice(1)).text('ms')];
      return `    ${`${message.format}, ${message.title}`.padEnd(36)} ${texts.join('; ')}; ${Math.max(...heap).toFixed(0)} MiB`;
    }),
  ];
}

function measure(
  { format }: WorstMessage,
  limits: DecodeLimits,
  run: (decoder: RouteDecoder, topic: string) => void,
): { readonly millis: number; readonly growth: number } {
  const sparkplug = format === 'sparkplug_b';
  const route = {
    ...routeDefaults(),
    name: format,
    topic: sparkplug ? 'spBv1.0/#' : 'd/{device_id}',
    format,
  };
  const edges = new EdgeNodes({ nodes: 1_000, metrics: 1_000_000 });
  const decoder = createDecoder([route], limits, edges);
  collect();
  const before = process.memoryUsage();
  const start = process.cpuUsage();
  run(decoder, sparkplug ? 'spBv1.0/group/NBIRTH/edge' : 'd/1');
  const { user, system } = process.cpuUsage(start);
  const after = process.memoryUsage();
  return {
    millis: (user + system) / 1000,
    growth: (after.heapUsed + after.external - before.heapUsed - before.external) / MIB,
  };
}

function deliveryOf(topic: string, payload: Uint8Array) {
  return {
    topic,
    payload,
    qos: 0,
    retain: false,
    duplicate: false,
    packetId: null,
    receivedAt: RECEIVED_AT,
    identity: null,
    backlog: false,
    ack() {},
  } as const;
}
