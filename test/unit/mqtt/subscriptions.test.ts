import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { covers, type TopicFilter, withoutCovered } from '../../../src/mqtt/subscriptions.ts';

/** The matching rules of MQTT 5, 4.7, over a whole topic: the reference that `covers` is tested against. */
function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const pattern = filter
    .split('/')
    .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '.*' : level.replace('$', '\\$')))
    .join('/')
    .replace(/\/\.\*$/, '(/.*)?');
  return new RegExp(`^${pattern}$`).test(topic);
}

const level = fc.constantFrom('a', 'b', '', '$SYS');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.constantFrom(['#'], []))
  .map(([levels, end]) => [...levels, ...end].join('/'))
  .filter((text) => text !== '');

suite('covers', () => {
  const cases: [wide: string, narrow: string, expected: boolean][] = [
    ['#', 'a/b', true],
    ['#', '$SYS/#', false],
    ['+/b', '$SYS/b', false],
    ['$SYS/#', '$SYS/broker/+', true],
    ['a/#', 'a', true],
    ['a/#', 'a/+/b/#', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a', false],
    ['a/b', 'a/+', false],
    ['devices/+/+', 'devices/+', false],
  ];
  for (const [wide, narrow, expected] of cases) {
    test(`${wide} ${expected ? 'covers' : 'does not cover'} ${narrow}`, () => {
      assert.equal(covers(wide, narrow), expected);
    });
  }

  test('what it covers it matches', () => {
    fc.assert(
      fc.property(filter, filter, topic, (wide, narrow, name) => {
        fc.pre(covers(wide, narrow) && matches(narrow, name));
        assert.ok(matches(wide, name));
      }),
    );
  });
});

suite('withoutCovered', () => {
  test('keeps one of equal filters and gives it the higher QoS', () => {
    assert.deepEqual(
      withoutCovered([
        { filter: 'a/+', qos: 0 },
        { filter: 'a/+', qos: 1 },
        { filter: 'b', qos: 0 },
      ]),
      [
        { filter: 'a/+', qos: 1 },
        { filter: 'b', qos: 0 },
      ],
    );
  });

  test('every topic is matched as before, at no lower QoS, and no kept filter covers another', () => {
    const entry: fc.Arbitrary<TopicFilter> = fc.record({ filter, qos: fc.constantFrom(0, 1) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), topic, (filters, name) => {
        const highest = (list: readonly TopicFilter[]): number =>
          Math.max(-1, ...list.filter((one) => matches(one.filter, name)).map(({ qos }) => qos));
        const kept = withoutCovered(filters);
        assert.ok(highest(kept) >= highest(filters));
        assert.equal(highest(kept) === -1, highest(filters) === -1);
        for (const one of kept) {
          assert.ok(!kept.some((other) => other !== one && covers(other.filter, one.filter)));
        }
      }),
    );
  });
});
