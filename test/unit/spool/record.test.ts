import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  checksumOf,
  decodeFileHead,
  decodeRecordHead,
  encodeFileHead,
  isSound,
  newMarker,
  RECORD_HEAD,
  sealRecord,
} from '../../../src/spool/frame.ts';
import { decodeBatch, encodeBatch, summarise } from '../../../src/spool/record.ts';
import { totalsOf } from '../../../src/spool/totals.ts';
import { plain, spooledBatch } from './batches.ts';

suite('records', () => {
  test('property: a batch comes back as it was, and its head says what it holds', () => {
    fc.assert(
      fc.property(spooledBatch, fc.array(fc.nat(), { maxLength: 8 }), (batch, drops) => {
        const body = encodeBatch(batch, drops, RECORD_HEAD).subarray(RECORD_HEAD);
        assert.deepEqual(plain(decodeBatch(body)), plain(batch));
        assert.deepEqual(summarise(body), { totals: totalsOf(batch), drops });
      }),
    );
  });

  test('property: bytes that no batch makes are an error, never a batch without an end', () => {
    fc.assert(
      fc.property(spooledBatch, fc.nat(), (batch, cut) => {
        const body = encodeBatch(batch, [], 0);
        assert.throws(() => decodeBatch(body.subarray(0, cut % body.length)), RangeError);
        assert.throws(() => decodeBatch(Buffer.concat([body, Buffer.of(0)])), RangeError);
      }),
    );
  });

  test('property: any flipped bit of a record is noticed', () => {
    fc.assert(
      fc.property(spooledBatch, fc.nat(), (batch, bit) => {
        const marker = newMarker();
        const record = encodeBatch(batch, [], RECORD_HEAD);
        sealRecord(record, checksumOf(record), marker);
        const whole = decodeRecordHead(record, marker);
        assert.ok(whole !== null && isSound(record.subarray(RECORD_HEAD), whole));
        const at = (bit >> 3) % record.length;
        record.writeUInt8(record.readUInt8(at) ^ (1 << (bit & 7)), at);
        const head = decodeRecordHead(record, marker);
        assert.ok(head === null || !isSound(record.subarray(RECORD_HEAD), head));
      }),
    );
  });

  test('the head of a file survives any flipped bit', () => {
    const marker = newMarker();
    for (let bit = 0; bit < encodeFileHead(marker).length * 8; bit++) {
      const head = encodeFileHead(marker);
      head.writeUInt8(head.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.deepEqual(decodeFileHead(head), { kind: 'ours', marker });
    }
  });
});
