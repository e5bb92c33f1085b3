import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteText } from '../../../src/http/byte-text.ts';

/** Short decimals too, which are written another way than any double. */
const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc
    .tuple(fc.maxSafeInteger(), fc.nat({ max: 9 }), fc.nat({ max: 16 }))
    .map(([whole, places, shorter]) => Math.trunc(whole / 10 ** shorter) / 10 ** places),
  fc.constantFrom(
    0,
    -0,
    1,
    -0.1,
    5e-324,
    999_999_999.999999,
    1e9,
    2 ** 31,
    0.1 + 0.2,
    1e21,
    Number.MAX_VALUE,
  ),
);

test('numbers are JSON, and are read as the same double', () => {
  const out = new ByteText(1);
  fc.assert(
    fc.property(number, (value) => {
      out.number(value);
      const text = out.take().toString();
      assert.ok(Object.is(JSON.parse(text), value), `${value}: ${text}`);
      assert.ok(text.length <= String(value).length + 1, `${value}: ${text}`);
    }),
    { numRuns: 2_000 },
  );
});

test('times are those that ISO 8601 writes, with six digits, whatever was written before', () => {
  const out = new ByteText(1);
  const far = 8.64e15;
  fc.assert(
    fc.property(fc.integer({ min: -far, max: far }), fc.nat({ max: 86_400e6 }), (time, later) => {
      for (const one of [time, Math.min(time + later, far)]) {
        out.time(one);
        const millis = Math.floor(one / 1000);
        const micros = String(one - millis * 1000).padStart(3, '0');
        assert.equal(out.take().toString(), new Date(millis).toISOString().replace('Z', `${micros}Z`));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('texts and bytes follow one another, and what is taken stays as it is', () => {
  const out = new ByteText(1);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 100 })), (parts) => {
      for (const [index, part] of parts.entries()) {
        if (index % 2 === 0) out.text(part);
        else out.bytes(Buffer.from(part));
      }
      assert.equal(out.length, Buffer.byteLength(parts.join('')));
      assert.equal(out.written().toString(), parts.join(''));
      const taken = out.take();
      out.text('x'.repeat(taken.length + 1));
      assert.equal(taken.toString(), parts.join(''));
      out.clear();
    }),
  );
});
