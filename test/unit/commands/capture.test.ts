import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { captureLine, parseCaptureLine, readCapture } from '../../../src/commands/capture.ts';

const EARLIEST = Date.UTC(1970) * 1_000;
const LATEST = Date.UTC(2200) * 1_000;

test('a captured message is read as it was, whatever its topic and payload', () => {
  const message = fc.record({
    topic: fc.string({ unit: 'grapheme', minLength: 1 }),
    payload: fc.uint8Array(),
    qos: fc.constantFrom(0 as const, 1 as const),
    retain: fc.boolean(),
    receivedAt: fc.integer({ min: EARLIEST, max: LATEST }),
  });
  fc.assert(
    fc.property(message, (captured) => {
      const line = captureLine(captured);
      assert.ok(!line.includes('\n'));
      const read = parseCaptureLine(line);
      assert.deepEqual(read && { ...read, payload: Uint8Array.from(read.payload) }, { ...captured });
    }),
  );
});

test('the keys of a line, and those that may be missing', () => {
  const receivedAt = Date.UTC(2026, 0, 31, 12) * 1_000 + 123_456;
  assert.deepEqual(
    JSON.parse(captureLine({ topic: 'a/b', payload: Buffer.from('1'), qos: 1, retain: true, receivedAt })),
    { topic: 'a/b', payload: 'MQ==', qos: 1, retain: true, receivedAt: '2026-01-31T12:00:00.123456Z' },
  );
  const short = parseCaptureLine('{"topic":"a","payload":"","receivedAt":"2026-01-31T12:00:00Z"}');
  assert.deepEqual(short && [short.qos, short.retain, short.payload.length], [0, false, 0]);
});

test('a line that is no message ends the reading with its number', async () => {
  const good = captureLine({ topic: 'a', payload: Buffer.from('1'), qos: 0, retain: false, receivedAt: 0 });
  for (const bad of ['[]', 'x', '{"topic":"a"}', '{"topic":"a","payload":"!","receivedAt":"2026-01-31"}']) {
    const topics: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { topic } of readCapture(Readable.from([`${good}\n\n${bad}\n`]), 'day.ndjson'))
        topics.push(topic);
    };
    await assert.rejects(reading, { code: 'usage', message: /^day\.ndjson:3 is no captured message/ });
    assert.deepEqual(topics, ['a']);
  }
});
