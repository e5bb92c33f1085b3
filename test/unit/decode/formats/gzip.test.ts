import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FORMAT_NAMES } from '../../../../src/decode/formats/table.ts';
import { decode, LIMITS, makeRoute } from '../decoding.ts';

const ROUTES = [makeRoute({ topic: 'devices/{device_id}/{metric_name}' })];
const sent = (payload: Uint8Array, limits = LIMITS) => decode(ROUTES, 'devices/d/m', payload, limits);

test('What is packed is read as if it were not', () => {
  assert.deepEqual(sent(gzipSync('{"value":21.5,"timestamp":5}')).rows, [
    ['d', 'm', 5_000_000, 21.5, 'gauge'],
  ]);
  const members = Buffer.concat([gzipSync('{"value":'), gzipSync('21.5}')]);
  assert.deepEqual(sent(members).rows, [['d', 'm', Number.NaN, 21.5, 'gauge']]);
});

test('The limit of a message holds for what is unpacked too: a bomb does not go off', () => {
  const limits = { ...LIMITS, messageBytes: 1000 };
  assert.equal(sent(gzipSync(' '.repeat(999) + '1'), limits).rows.length, 1);
  assert.deepEqual(sent(gzipSync(' '.repeat(1000) + '1'), limits).rejects, [
    { code: 'payload_too_large', detail: '$: more than 1000 bytes, unpacked' },
  ]);
  assert.equal(sent(gzipSync(Buffer.alloc(16 * 2 ** 20))).rejects[0]?.code, 'payload_too_large');
});

test('Cut, damaged, empty or packed twice: kept with the reason, in every format', () => {
  const packed = gzipSync('21.5');
  const damaged = Buffer.from(packed);
  damaged.writeUInt8(damaged.readUInt8(12) ^ 0xff, 12);
  assert.equal(sent(packed.subarray(0, -1)).rejects[0]?.code, 'payload_not_gzip');
  assert.equal(sent(damaged).rejects[0]?.code, 'payload_not_gzip');
  assert.equal(sent(gzipSync('')).rejects[0]?.code, 'payload_empty');
  for (const format of FORMAT_NAMES) {
    const route = makeRoute({ topic: 'devices/{device_id}/{metric_name}', format });
    const { rows, rejects } = decode([route], 'devices/d/m', gzipSync(packed));
    assert.deepEqual([rows.length, rejects.length], [0, 1], format);
  }
});
