import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { Repeats } from '../../../src/decode/repeats.ts';
import type { PointWriter } from '../../../src/pipeline/types.ts';
import { LIMITS, makeRoute } from './decoding.ts';

const SECOND = 1_000_000;
const bytes = (text: string) => Buffer.from(text);

test('the same topic and payload within the time, and no other, is known again', () => {
  const repeats = new Repeats(10 * SECOND);
  const knows = (topic: string, payload: string, second: number) =>
    repeats.knows(topic, bytes(payload), second * SECOND);
  assert.equal(knows('a', '1', 100), false);
  assert.equal(knows('a', '1', 101), true);
  assert.equal(knows('a', '1', 110), true, 'ten seconds after the one that was taken');
  assert.equal(knows('b', '1', 101), false);
  assert.equal(knows('a', '2', 101), false);
  assert.equal(knows('a', '1', 111), false, 'and then it is taken again');
  assert.equal(knows('a', '1', 121), true);
});

test('a message out of the spool is no repetition of itself, nor of what came later', () => {
  const repeats = new Repeats(10 * SECOND);
  assert.equal(repeats.knows('a', bytes('1'), 100 * SECOND), false);
  assert.equal(repeats.knows('a', bytes('1'), 200 * SECOND), false);
  for (const second of [100, 195, 200]) assert.equal(repeats.knows('a', bytes('1'), second * SECOND), false);
  assert.equal(repeats.knows('a', bytes('1'), 201 * SECOND), true, 'and nothing was forgotten by it');
  assert.equal(repeats.knows('a', bytes('1'), Number.NaN), false);
});

test('what is remembered is bounded, by time and by count', () => {
  const repeats = new Repeats(10 * SECOND, 3);
  for (const [at, payload] of ['1', '2', '3', '4'].entries()) repeats.knows('a', bytes(payload), at * SECOND);
  assert.equal(repeats.knows('a', bytes('4'), 5 * SECOND), true);
  assert.equal(repeats.knows('a', bytes('1'), 5 * SECOND), false, 'the oldest went');
});

test('a route with dedupe drops what comes again, and counts it; others do not', () => {
  const decoder = createDecoder(
    [
      makeRoute({ topic: 'bridge/{device_id}', dedupe: { by: 'payload', within: '10s' } }),
      makeRoute({ topic: 'devices/{device_id}' }),
    ],
    LIMITS,
  );
  const told: string[] = [];
  const out = {
    number: (device: string) => told.push(device),
    drop: (reason: string) => told.push(reason),
  } as unknown as PointWriter;
  for (const topic of ['bridge/a', 'bridge/a', 'devices/b', 'devices/b', 'bridge/c']) {
    decoder.decode(topic, bytes('{"t":1}'), out, false, SECOND + told.length);
  }
  assert.deepEqual(told, ['a', 'repeated', 'b', 'b', 'c']);
});
