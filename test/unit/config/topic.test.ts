import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { levelNames, topicFilter, topicMistake } from '../../../src/config/topic.ts';
import { parseTopicTemplate } from '../../../src/decode/topic-template.ts';

test('filters with named levels are fine, empty levels included', () => {
  for (const topic of [
    'a',
    '/a//b/',
    'a/+/b',
    '#',
    'a/#',
    '{device_id}',
    '$SYS/#',
    'site/{device_id}/{rest#}',
  ]) {
    assert.equal(topicMistake(topic), null, topic);
  }
});

test('each mistake is named', () => {
  const mistakes: [string, RegExp][] = [
    ['a/#/b', /goes on after #/],
    ['a/{rest#}/b', /goes on after \{rest#\}/],
    ['a/b+', /"b\+".*whole level/],
    ['a/dev-{id}', /"dev-\{id\}".*whole level/],
    ['a/{}', /whole level/],
    ['a/{1st}', /whole level/],
    ['{id}/x/{id}', /two levels named id/],
    ['$share/group/a', /share_group/],
    ['a\0', /NUL/],
    ['é'.repeat(32_768), /65535 bytes/],
  ];
  for (const [topic, reason] of mistakes) {
    assert.match(topicMistake(topic) ?? '', reason);
  }
});

test('names and filter of a topic', () => {
  assert.deepEqual(levelNames('site/{device_id}/+/{rest#}'), ['device_id', 'rest']);
  assert.equal(topicFilter('site/{device_id}/+/{rest#}'), 'site/+/+/#');
});

test('the decoder takes exactly the topics that the configuration takes', () => {
  const level = fc.constantFrom('a', '', '+', '#', '{x}', '{y}', '{z#}', 'a+', '{', '{x}b', '$share', '{0}');
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), (levels) => {
      const topic = levels.join('/');
      if (topic === '') {
        return; // an empty key is not set, so no route has an empty topic
      }
      if (topicMistake(topic) === null) {
        const template = parseTopicTemplate(topic);
        assert.deepEqual([template.filter, template.names], [topicFilter(topic), levelNames(topic)]);
      } else {
        assert.throws(() => parseTopicTemplate(topic));
      }
    }),
    { numRuns: 1000 },
  );
});
