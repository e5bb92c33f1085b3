import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import { message, NEW_YEAR, scriptedDecoder, TAKE_ALL } from './messages.ts';

const POINTS = fc.array(
  fc.record({
    device: fc.constantFrom('a', 'b', 'c'),
    time: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 9 })),
    text: fc.boolean(),
  }),
  { maxLength: 12 },
);

test('property: each device of a message is told of once, with its newest own time', () => {
  fc.assert(
    fc.property(fc.array(POINTS, { maxLength: 5 }), (messages) => {
      const told: [unknown, string, number][] = [];
      const builder = new BatchBuilder(scriptedDecoder, new SeriesRegistry(100), TAKE_ALL, () => {}, {
        heard: (deviceId, delivery, timestamp) => void told.push([delivery, deviceId, timestamp]),
      });
      for (const points of messages) {
        const delivery = message((out) => {
          for (const { device, time, text } of points) {
            const at = NEW_YEAR + time;
            if (text) out.text(device, 'text', at, 'x', false);
            else out.number(device, 'number', at, 1, 'gauge');
          }
        });
        told.length = 0;
        builder.add(delivery);
        const expected = new Map<string, number>();
        for (const { device, time } of points) {
          const newest = expected.get(device);
          if (newest === undefined || Number.isNaN(newest) || time > newest) expected.set(device, time);
        }
        assert.deepEqual(
          told.toSorted(([, one], [, other]) => (one < other ? -1 : 1)),
          [...expected]
            .toSorted(([one], [other]) => (one < other ? -1 : 1))
            .map(([device, time]) => [delivery, device, NEW_YEAR + time]),
        );
      }
    }),
  );
});

test('a message without a point is of no device', () => {
  const told: string[] = [];
  const builder = new BatchBuilder(scriptedDecoder, new SeriesRegistry(100), TAKE_ALL, () => {}, {
    heard: (deviceId) => void told.push(deviceId),
  });
  builder.add(message((out) => out.reject('value_missing', 'none')));
  builder.add(message(() => {}));
  assert.deepEqual(told, []);
});
