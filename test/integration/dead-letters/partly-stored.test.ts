import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadLetters } from '../../../src/letters/dead-letters.ts';
import { ALL_LETTERS } from '../../../src/postgres/dead-letter-selection.ts';
import { createDatabase } from '../../support/database.ts';
import { at, never } from '../postgres/sinks.ts';
import { configured, lettersOf, receive, storedIn } from './letters.ts';

const NOON = at('2026-03-02T12:00:00Z');
const ORDER = { limit: null, dryRun: false };
const JSON_ROUTE = [{ topic: 'plant/{device_id}', format: 'json', flatten: true }];

test('a message that was stored in part is completed: no point of it is stored twice', async () => {
  await using database = await createDatabase({ template: true });
  const before = [{ topic: 'plant/{device_id}', format: 'json', flatten: true, include: ['a', 'b', 'note'] }];
  const small = { TIDEGATE_INGEST_LIMITS_TEXT_LENGTH: '4' };
  const long = 'a long text';
  await receive(configured(database, before, small), [
    // Three of one millisecond: their points move by microseconds.
    { topic: 'plant/x', payload: JSON.stringify({ a: 5, note: long }), at: NOON + 10 },
    { topic: 'plant/x', payload: JSON.stringify({ a: 5, b: 1, note: long }), at: NOON + 20 },
    { topic: 'plant/x', payload: JSON.stringify({ a: 7, note: 'ok' }), at: NOON + 30 },
    { topic: 'plant/x', payload: JSON.stringify({ a: 7, b: 2, note: long }), at: NOON + 40 },
  ]);
  assert.deepEqual(
    (await lettersOf(database)).map(({ code, stored }) => [code, stored]),
    [
      ['text_too_long', 1],
      ['text_too_long', 2],
      ['text_too_long', 2],
    ],
  );
  const numbers = (await storedIn(database)).filter((row) => !row.includes('note'));
  assert.equal(numbers.length, 6);
  const dead = new DeadLetters(configured(database, before), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.points.duplicate], [3, 5]);
  const after = await storedIn(database);
  assert.deepEqual(
    after.filter((row) => !row.includes('note')),
    numbers,
  );
  assert.equal(after.filter((row) => row.endsWith(long)).length > 0, true);
});

test('what was stored of a message stays known through replays that store nothing of it', async () => {
  await using database = await createDatabase({ template: true });
  await receive(configured(database, JSON_ROUTE), [
    { topic: 'plant/x', payload: '{"a": 5, "b": 1e999}', at: NOON },
  ]);
  const elsewhere = new DeadLetters(configured(database), 'x');
  assert.equal((await elsewhere.replay(ALL_LETTERS, ORDER, never())).failed, 1);
  assert.deepEqual(await lettersOf(database), [{ topic: 'plant/x', code: 'no_route', points: 1, stored: 1 }]);
  const dead = new DeadLetters(configured(database, [{ ...JSON_ROUTE[0], include: ['a'] }]), 'x');
  assert.equal((await dead.replay(ALL_LETTERS, ORDER, never())).points.duplicate, 1);
  assert.deepEqual(await storedIn(database), [`x a ${NOON} 5`]);
});

test('of a letter whose stored points were not counted, those that are there are found', async () => {
  await using database = await createDatabase({ template: true });
  const before = [{ topic: 'plant/{device_id}', format: 'json', flatten: true }];
  await receive(configured(database, before), [
    { topic: 'plant/x', payload: '{"a": 5, "b": 1e999}', at: NOON },
    { topic: 'plant/y', payload: '{"a": 5, "b": 1e999}', at: NOON },
  ]);
  await database.query('UPDATE tidegate.dead_letters SET stored = NULL');
  await database.query(
    `DELETE FROM tidegate.points_late p USING tidegate.series s WHERE s.series_id = p.series_id AND s.device_id = 'y'`,
  );
  const dead = new DeadLetters(configured(database, [{ ...before[0], include: ['a'] }]), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.replayed, report.points.duplicate, report.points.stored], [2, 1, 1]);
  assert.deepEqual(await storedIn(database), [`x a ${NOON} 5`, `y a ${NOON} 5`]);
});

test('a message that was not stored at all has its points beside those of its millisecond', async () => {
  await using database = await createDatabase({ template: true });
  await receive(configured(database, JSON_ROUTE), [{ topic: 'plant/x', payload: '{"a": 5}', at: NOON }]);
  await receive(configured(database), [{ topic: 'plant/x', payload: '{"a": 5}', at: NOON }]);
  const dead = new DeadLetters(configured(database, JSON_ROUTE), 'x');
  const report = await dead.replay(ALL_LETTERS, ORDER, never());
  assert.deepEqual([report.points.stored, report.points.duplicate], [1, 0]);
  assert.deepEqual(await storedIn(database), [`x a ${NOON} 5`, `x a ${NOON + 1} 5`]);
});
