/** Messages whose decoding is written down in the test, and batches made of them. */

import * as fc from 'fast-check';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Batch, Decoder, Delivery, EdgeEvent, PointWriter } from '../../../src/pipeline/types.ts';

export type Script = (out: PointWriter) => void;

export interface TestMessage extends Delivery {
  /** How often it was acknowledged. */
  readonly acks: () => number;
}

/** 2026-01-01T00:00:00Z in microseconds. */
export const NEW_YEAR = 1_767_225_600_000_000;
export const SECOND = 1_000_000;
export const DAY = 86_400 * SECOND;
export const TAKE_ALL = { maxFuture: Number.POSITIVE_INFINITY, maxAge: Number.POSITIVE_INFINITY };

const scripts = new WeakMap<Uint8Array, Script>();

/** Does what the script of a message says. */
export const scriptedDecoder: Decoder = {
  decode: (topic, payload, out) => {
    scripts.get(payload)?.(out);
    return topic === 'nowhere' ? null : 'scripted';
  },
};

export function message(script: Script, more: Partial<Omit<Delivery, 'ack'>> = {}): TestMessage {
  const payload = new Uint8Array(more.payload ?? [1, 2, 3]);
  scripts.set(payload, script);
  let acks = 0;
  return {
    topic: 'test/topic',
    qos: 1,
    retain: false,
    duplicate: false,
    packetId: 1,
    identity: null,
    backlog: false,
    receivedAt: NEW_YEAR,
    ...more,
    payload,
    ack: () => {
      acks++;
    },
    acks: () => acks,
  };
}

/** A message of one numeric point. */
export function point(device: string, metric: string, timestamp: number, value: number): TestMessage {
  return message((out) => out.number(device, metric, timestamp, value, 'gauge'));
}

/** A message of one text, stored where it differs from the one before. */
export function change(device: string, metric: string, timestamp: number, value: string): TestMessage {
  return message((out) => out.text(device, metric, timestamp, value, true));
}

/** Batches one after the other, of one daemon: they share their series. */
export function batches(admission = TAKE_ALL): (...deliveries: readonly Delivery[]) => Batch {
  const builder = new BatchBuilder(scriptedDecoder, new SeriesRegistry(100_000), admission, () => {});
  return (...deliveries) => {
    for (const delivery of deliveries) builder.add(delivery);
    return builder.seal();
  };
}

/** A birth of an edge node, with a definition of five bytes. */
export function birth(edge: string, receivedAt: number): EdgeEvent {
  return {
    kind: 'birth',
    edge,
    device: null,
    receivedAt,
    bdSeq: 7,
    definition: Buffer.from(edge.slice(0, 5).padEnd(5)),
  };
}

/** What a decoder can tell of a message, in any order, now and then ending in a throw. */
export const scriptArbitrary: fc.Arbitrary<Script> = fc
  .record({
    steps: fc.array(
      fc.oneof(
        fc.record({
          device: fc.constantFrom('a', 'b'),
          metric: fc.constantFrom('x', 'y'),
          at: fc.integer({ min: -5, max: 5 }),
          text: fc.boolean(),
          arrival: fc.boolean(),
        }),
        fc.constantFrom('reject', 'drop', 'birth'),
      ),
      { maxLength: 6 },
    ),
    throws: fc.boolean(),
  })
  .map(({ steps, throws }) => (out: PointWriter) => {
    for (const [index, step] of steps.entries()) {
      if (step === 'reject') out.reject('value_missing', `step ${index}`);
      else if (step === 'drop') out.drop('text_dropped');
      else if (step === 'birth') out.edge?.(birth(`step ${index}`, NEW_YEAR + index));
      else {
        const time = step.arrival ? Number.NaN : NEW_YEAR + step.at * SECOND;
        if (step.text) out.text(step.device, step.metric, time, `text ${index}`, false);
        else out.number(step.device, step.metric, time, index, 'gauge');
      }
    }
    if (throws && steps.length > 3) throw new Error('a fault');
  });
