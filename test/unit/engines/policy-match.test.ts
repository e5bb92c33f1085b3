import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesPolicy } from '../../../src/engines/engine.ts';
import { matchingPolicy } from '../../../src/engines/policy-match.ts';

function policy(deviceId: string, metricName = '*', route: string | null = null): SeriesPolicy {
  return {
    route,
    deviceId,
    metricName,
    aggregates: true,
    retention: null,
    counterTolerance: 0,
    counterRollover: null,
    longestHold: 1,
  };
}

test('a star stands for any characters, everything else for itself', () => {
  const matches = (glob: string, device: string) =>
    matchingPolicy([policy(glob)], device, 'm', null) !== null;
  for (const device of ['', 'a', 'a/b', 'a\nb']) assert.ok(matches('*', device), device);
  assert.ok(matches('meter-*', 'meter-'));
  assert.ok(matches('*-7*', 'meter-77'));
  assert.ok(!matches('meter-*', 'a meter-1'));
  assert.ok(!matches('a.c', 'abc'));
  assert.ok(matches('a.c[1]+$(x)|{y}^\\?/', 'a.c[1]+$(x)|{y}^\\?/'));
  assert.ok(!matches('a?', 'ab'));
});

test('the first one that matches in all it names', () => {
  const policies = [policy('a', 'x', 'r'), policy('a', '*_total'), policy('*')];
  const found = (device: string, metric: string, route: string | null) =>
    policies.indexOf(matchingPolicy(policies, device, metric, route) as SeriesPolicy);
  assert.equal(found('a', 'x', 'r'), 0);
  assert.equal(found('a', 'x', 's'), 2);
  assert.equal(found('a', 'x', null), 2);
  assert.equal(found('a', 'y_total', 'r'), 1);
  assert.equal(matchingPolicy([policy('b')], 'a', 'x', null), null);
});
