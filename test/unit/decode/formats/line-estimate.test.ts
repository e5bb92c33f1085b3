import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { mostLinePoints } from '../../../../src/decode/formats/line-estimate.ts';
import { decode, makeRoute } from '../decoding.ts';

const ROUTE = makeRoute({ topic: 't/#', format: 'line_protocol', device_id: 'd' });

const field = fc.constantFrom('a=1', 'b="x=y z"', 'c\\ d=2', 'e=t', 'f=');
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom('m', 'm,x=1,y=2', 'm\\ n,z=3'), fc.array(field, { minLength: 1, maxLength: 8 }))
    .map(([key, fields]) => `${key} ${fields.join(',')}`),
  fc.constantFrom('', '# a=1', 'none', 'm a'),
);

test('property: a payload has no more points, and values that are none, than the estimate where that is no more than enough', () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 2000, size: 'max' }),
      fc.integer({ min: 1, max: 5000 }),
      (lines, enough) => {
        const payload = lines.join('\n');
        const most = mostLinePoints(Buffer.from(payload), enough);
        if (most > enough) return;
        const { rows, rejects } = decode([ROUTE], 't/x', payload);
        assert.ok(rows.length + rejects.length <= most, `${rows.length} and ${rejects.length}, ${most}`);
      },
    ),
    { numRuns: 60 },
  );
});

test('tags are no points, and many fields are too many', () => {
  const lines = (count: number) => Buffer.from('m,a=1,b=2,c=3 f=1\n'.repeat(count));
  assert.ok(mostLinePoints(lines(1000), 1100) <= 1100);
  assert.ok(mostLinePoints(lines(1000), 900) > 900);
});
