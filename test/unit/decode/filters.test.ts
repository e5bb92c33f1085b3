import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { covers, necessaryFilters } from '../../../src/decode/filters.ts';
import { matchTopic, parseTopicTemplate } from '../../../src/decode/topic-template.ts';

test('A filter covers another where it takes all of its topics', () => {
  const cases: [wide: string, narrow: string, covered: boolean][] = [
    ['#', 'a/b', true],
    ['#', '+/#', true],
    ['#', '$SYS/#', false],
    ['+/a', '$SYS/a', false],
    ['$SYS/#', '$SYS/broker/+', true],
    ['a/#', 'a', true],
    ['a/#', 'a/+', true],
    ['a/#', 'a/#', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b', true],
    ['a/b', 'a/+', false],
    ['a/+/c', 'a/b/+', false],
    ['a/+/#', 'a/b/c', true],
    ['a/+/#', 'a', false],
    ['+/+', 'a', false],
  ];
  for (const [wide, narrow, covered] of cases) {
    assert.equal(covers(wide, narrow), covered, `${wide} covers ${narrow}`);
  }
});

test('Covered and repeated filters are dropped, the higher QoS stays', () => {
  const filters = necessaryFilters([
    { filter: 'devices/+/temperature', qos: 1 },
    { filter: 'devices/#', qos: 0 },
    { filter: 'homie/+', qos: 0 },
    { filter: 'homie/+', qos: 0 },
  ]);
  assert.deepEqual(filters, [
    { filter: 'devices/#', qos: 1 },
    { filter: 'homie/+', qos: 0 },
  ]);
});

test('No topic is lost by dropping filters', () => {
  const level = fc.constantFrom('a', 'b', '$c', '');
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, open]) => (open ? [...levels, '#'] : levels).join('/'))
    .filter((text) => text !== '');
  const topic = fc.array(level, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 5 }), topic, (texts, levels) => {
      const takes = (text: string) => matchTopic(parseTopicTemplate(text), levels) !== null;
      const kept = necessaryFilters(texts.map((text) => ({ filter: text, qos: 1 })));
      assert.equal(
        kept.some((each) => takes(each.filter)),
        texts.some(takes),
      );
    }),
  );
});
