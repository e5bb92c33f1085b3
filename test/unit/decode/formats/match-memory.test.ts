import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeDefaults } from '../../../../src/config/route.ts';
import { MatchMemory } from '../../../../src/decode/formats/match-memory.ts';
import { planRoute } from '../../../../src/decode/route-plan.ts';
import { Router, type TopicMatch } from '../../../../src/decode/router.ts';

const router = new Router(
  [planRoute({ ...routeDefaults(), name: 'r', topic: 'd/{device_id}', format: 'json' })],
  255,
);
const [a, b] = [router.match('d/a') as TopicMatch, router.match('d/b') as TopicMatch];

test('keeps a table for each match', () => {
  const memory = new MatchMemory(() => new Map<string, number>());
  memory.of(a).set('x', 1);
  memory.of(b).set('x', 2);
  assert.equal(memory.of(a).get('x'), 1);
  assert.equal(memory.of(b).get('x'), 2);
});

test('forgets all of them where they are too many, or their texts too long, but nothing within a payload', () => {
  for (const [parts, characters] of [
    [8, 100],
    [1, 2_000_000],
  ] as const) {
    const memory = new MatchMemory(() => new Map<string, number>());
    memory.of(a).set('x', 1);
    let grown = 0;
    for (; memory.of(a).has('x'); memory.begin()) {
      memory.grow(parts, characters);
      assert.ok(memory.of(a).has('x'));
      grown += parts * 100 + characters;
      assert.ok(grown < 30_000_000, 'bounded');
    }
    assert.ok(grown > 19_000_000, `only ${grown} bytes`);
    assert.equal(memory.of(b).size, 0);
  }
});
