import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemaNames, withNames } from '../../../src/postgres/names.ts';

test('the internals of public are in tidegate, those of another schema beside it', () => {
  assert.deepEqual(schemaNames('public'), { schema: 'public', internal: 'tidegate' });
  assert.deepEqual(schemaNames('plant'), { schema: 'plant', internal: 'plant_tidegate' });
});

test('names go in as identifiers or literals, whatever they hold', () => {
  const names = { schema: `pl"ant`, internal: `o'br\\ien` };
  assert.equal(
    withNames(`SELECT :"schema".f(:'schema'), :"internal".g(:'internal')`, names),
    `SELECT "pl""ant".f('pl"ant'), "o'br\\ien".g( E'o''br\\\\ien')`,
  );
});

test('nothing else is touched', () => {
  const sql = `SELECT '12:30'::time, x::"schema", :other, :"other", :'schema", 'a:"b"'`;
  assert.equal(withNames(sql, schemaNames('public')), sql.replace('::"schema"', ':"public"'));
});
