import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../../src/commands/table.ts';

test('columns are as wide as their widest cell; null is empty; marks that steer a terminal are escaped', () => {
  const rows = [
    ['a', null],
    ['longer', '1\n2'],
  ];
  assert.equal(
    table(['name', 'value'], rows),
    ['name   | value', '-------+---------', 'a      |', 'longer | 1\\u000a2', '(2 rows)'].join('\n'),
  );
  assert.equal(table(['n'], [['1']]), 'n\n-\n1\n(1 row)');
});
