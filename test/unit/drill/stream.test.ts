import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { momentsOf, streamMessage, timedOf } from '../../../src/drill/stream.ts';

const BASE = Date.parse('2026-01-01T00:00:00.000Z') * 1000;

test('every second message has a time of its own, a millisecond a message', () => {
  assert.deepEqual(streamMessage('t', 0, BASE), {
    topic: 't/drill-0/timed',
    payload: '{"value":0,"timestamp":"2026-01-01T00:00:00.000Z"}',
  });
  assert.deepEqual(streamMessage('t', 1, BASE), { topic: 't/drill-0/untimed', payload: '1' });
  assert.deepEqual(streamMessage('t', 1002, BASE), {
    topic: 't/drill-1/timed',
    payload: '{"value":1002,"timestamp":"2026-01-01T00:00:01.002Z"}',
  });
  assert.deepEqual([timedOf(0), timedOf(1), timedOf(2), timedOf(3)], [0, 1, 1, 2]);
});

test('moments of faults are in order, spread over the stream, and the same for the same seed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 100_000 }),
      fc.integer({ min: 0, max: 90 }),
      fc.nat(),
      (count, faults, seed) => {
        const moments = momentsOf(count, faults, seed);
        assert.equal(moments.length, faults);
        assert.deepEqual(
          moments,
          moments.toSorted((left, right) => left - right),
        );
        assert.ok(moments.every((moment) => moment >= count / 20 && moment < count));
        assert.deepEqual(momentsOf(count, faults, seed), moments);
      },
    ),
  );
  assert.notDeepEqual(momentsOf(1000, 5, 1), momentsOf(1000, 5, 2));
});
