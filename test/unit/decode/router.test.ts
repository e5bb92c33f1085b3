import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRoute } from '../../../src/decode/route-plan.ts';
import { Router } from '../../../src/decode/router.ts';
import { makeRoute } from './decoding.ts';

const router = () => new Router([planRoute(makeRoute({ topic: 'd/{device_id}/{metric_name#}' }))], 255);

test('A topic is resolved once, as long as it is remembered', () => {
  const found = router();
  const first = found.match('d/a/b/c');
  assert.deepEqual([first?.deviceId, first?.metricName], ['a', 'b/c']);
  assert.equal(found.match('d/a/b/c'), first);
});

test('The memory for topics is bounded in entries and in their length', () => {
  const bounded = router();
  const first = bounded.match('d/first/m');
  for (let index = 0; index < 9_999; index++) {
    bounded.match(`d/${index}/m`);
  }
  assert.equal(bounded.match('d/first/m'), first, 'still remembered');
  bounded.match('d/one/more');
  assert.notEqual(bounded.match('d/first/m'), first, 'the oldest made room');
  const long = `d/a/${'m'.repeat(260)}`;
  assert.notEqual(bounded.match(long), bounded.match(long));
});
