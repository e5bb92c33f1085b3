import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicPattern } from '../../../src/postgres/dead-letter-selection.ts';

test('a filter becomes a pattern: levels, wildcards, and every mark as itself', () => {
  for (const [filter, pattern] of [
    ['a/b', '^a/b$'],
    ['a/+/c', '^a/[^/]*/c$'],
    ['a/#', '^a(/.*)?$'],
    ['#', '^(?!\\$).*$'],
    ['+/x', '^(?!\\$)[^/]*/x$'],
    ['+', '^(?!\\$)[^/]*$'],
    ['/', '^/$'],
    ['$SYS/#', '^\\$SYS(/.*)?$'],
    ['Kühlraum 3/温度', '^Kühlraum 3/温度$'],
    ['a.b(c)[d]*\\', '^a\\.b\\(c\\)\\[d\\]\\*\\\\$'],
    ['***:x', '^\\*\\*\\*\\:x$'],
    ['🌡️', '^🌡️$'],
  ] as const) {
    assert.equal(topicPattern(filter), pattern, filter);
  }
});
