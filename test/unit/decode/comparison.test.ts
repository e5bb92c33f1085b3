import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfig } from '../../../src/config/route.ts';
import { compareExplanations } from '../../../src/decode/comparison.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { LIMITS, makeRoute } from './decoding.ts';

const NOW = Date.UTC(2026, 0, 31) * 1_000;
const OLD = makeRoute({ topic: 'a/{device_id}' });

function compare(payload: string, change: Partial<RouteConfig>) {
  const [old, now] = [OLD, { ...OLD, ...change }].map((route) =>
    createDecoder([route], LIMITS).explain('a/d', Buffer.from(payload), NOW),
  );
  assert.ok(old !== undefined && now !== undefined);
  const difference = compareExplanations(old, now);
  return (
    difference && {
      verdict: difference.verdict,
      gone: difference.gone.map(({ metric_name }) => metric_name),
      added: difference.added.map(({ metric_name }) => metric_name),
    }
  );
}

test('what stays is no difference, dead or alive', () => {
  assert.equal(compare('{"t":1}', { name: 'renamed' }), null);
  assert.equal(compare('{', { name: 'renamed' }), null);
});

test('points that are added, gone, or have another value', () => {
  assert.deepEqual(compare('{"t":1,"h":2}', { exclude: ['h'] }), {
    verdict: 'stored',
    gone: ['h'],
    added: [],
  });
  assert.deepEqual(compare('{"t":"run"}', { booleans: { true: ['run'], false: [] } }), {
    verdict: 'stored',
    gone: ['t'],
    added: ['t'],
  });
});

test('dead letters that are mended, made, and changed', () => {
  assert.deepEqual(compare('{"t":1,"x":{"y":2}}', { flatten: true }), {
    verdict: 'mended',
    gone: [],
    added: ['x.y'],
  });
  assert.equal(compare('{"t":1}', { device_id: '$.id' })?.verdict, 'broken');
  assert.equal(compare('{"x":[1]}', { device_id: '$.id' })?.verdict, 'rest');
});
