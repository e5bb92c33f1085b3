/** Decodes messages made to be slow, and says what each took. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { routeDefaults } from '../../src/config/route.ts';
import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import { createDecoder, type RouteDecoder } from '../../src/decode/decoder.ts';
import { EdgeNodes } from '../../src/decode/sparkplug/edge-nodes.ts';
import { BatchBuilder } from '../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../src/pipeline/series-registry.ts';
import type { PointWriter } from '../../src/pipeline/types.ts';
import type { WorstMessage } from './worst-messages.ts';

const MIB = 2 ** 20;
const RECEIVED_AT = 1_767_225_600_000_000;
const TAKE_ALL = { maxFuture: Number.POSITIVE_INFINITY, maxAge: Number.POSITIVE_INFINITY };
const NOBODY: PointWriter = { number() {}, text() {}, describe() {}, reject() {}, drop() {}, edge() {} };

/** What a message is decoded by. */
export type WorstKind = Pick<WorstMessage, 'format' | 'type' | 'hasDevices'>;

export interface Cost {
  /** CPU time of the thread: all other messages wait for that long. */
  readonly millis: number;
  /** What is on the heap and beside it afterwards that was not before, garbage included. */
  readonly mebibytes: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A decoder of messages of one kind, for as long as they come. */
export class WorstDecoding {
  readonly #decoder: RouteDecoder;
  readonly #topic: string;

  constructor({ format, type, hasDevices }: WorstKind, limits: DecodeLimits) {
    const own = hasDevices ? 'd/#' : 'd/{device_id}';
    const topic = type === null ? own : 'spBv1.0/#';
    const route = { ...routeDefaults(), name: format, topic, format };
    this.#decoder = createDecoder([route], limits, new EdgeNodes({ nodes: 1_000, metrics: 1_000_000 }));
    this.#topic = type === null ? 'd/1' : `spBv1.0/group/${type}/edge`;
  }

  alone(payload: Uint8Array): Cost {
    return costOf(() => this.#decoder.decode(this.#topic, payload, NOBODY, false, RECEIVED_AT));
  }

  intoBatch(payload: Uint8Array): Cost {
    const builder = new BatchBuilder(this.#decoder, new SeriesRegistry(1_000_000), TAKE_ALL, () => {});
    return costOf(() => builder.add(deliveryOf(this.#topic, payload)));
  }
}

function costOf(run: () => unknown): Cost {
  collect();
  const before = process.memoryUsage();
  const start = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(start);
  const after = process.memoryUsage();
  return {
    millis: (user + system) / 1000,
    mebibytes: (after.heapUsed + after.external - before.heapUsed - before.external) / MIB,
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
