import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DeadLetters } from '../../src/letters/dead-letters.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { ALL_LETTERS } from '../../src/postgres/dead-letter-selection.ts';
import {
  configured,
  lettersOf,
  receive,
  storedIn,
  type Received,
} from '../integration/dead-letters/letters.ts';
import { never } from '../integration/postgres/sinks.ts';
import { ENGINES } from '../support/engines.ts';
import { silent } from '../unit/pipeline/ports.ts';
import { assertAggregate, assertLevels } from './aggregate-answers.ts';
import { DAY, HOUR, SECOND } from './inputs.ts';
import { width } from './local-buckets.ts';
import { Model } from './model.ts';
import { assertPointViews } from './point-answers.ts';
import { compressAll, refreshAll } from './states.ts';

const ROUTE = { name: 'plant', topic: 'plant/{device_id}', format: 'json', flatten: true };
/** Of the day a week before the last whole one: compressed by the default policy, in aggregates of every level. */
const WEEK_AGO = Math.floor((Date.now() * 1000) / DAY) * DAY - 9 * DAY;

/** A message every ten seconds; every third is of a device that yesterday's routes did not know. */
function week(): Received[] {
  return Array.from({ length: 2_000 }, (_, index) => {
    const at = WEEK_AGO + HOUR + index * 10 * SECOND;
    // Every other one says its time, in whole seconds; the others are of the time of their receipt.
    const time = index % 2 === 0 ? { timestamp: at / SECOND } : {};
    const body = { level: index % 97, ...(index % 5 === 0 && { state: `s${index % 3}` }), ...time };
    const topic = index % 3 === 0 ? 'later/Pumpe 3' : 'plant/boiler';
    return { topic, payload: JSON.stringify(body), at };
  });
}

function modelOf(messages: readonly Received[], wanted: (topic: string) => boolean): Model {
  const model = new Model();
  const texts = new Map<string, string>();
  for (const { topic, payload, at } of messages) {
    if (!wanted(topic)) continue;
    const device = topic.split('/')[1] as string;
    const { level, state } = JSON.parse(String(payload)) as { level: number; state?: string };
    model.put([{ device, metric: 'level', time: at, value: level }]);
    if (state === undefined || texts.get(device) === state) continue;
    texts.set(device, state);
    model.put([{ device, metric: 'state', time: at, value: state }]);
  }
  return model;
}

for (const kind of ENGINES) {
  suite(`dead letters of ${kind.name}`, { skip: kind.skip }, () => {
    test('letters of a week ago, replayed into compressed chunks: aggregates equal recomputation', async () => {
      await using database = await kind.createDatabase();
      const engine = kind.open(database);
      const env = { TIDEGATE_DATABASE_ENGINE: kind.name };
      const messages = week();
      await receive(configured(database, [ROUTE], env), messages, { engine: kind.name });
      await refreshAll(database, engine);
      await compressAll(engine, (WEEK_AGO + 2 * DAY) / 1000);
      const before = modelOf(messages, (topic) => topic.startsWith('plant/'));
      await assertPointViews(database, before, 'before');
      await assertLevels(database, before, 'before');
      const late = messages.filter(({ topic }) => topic.startsWith('later/'));
      assert.equal((await lettersOf(database)).length, late.length);

      const today = configured(
        database,
        [ROUTE, { ...ROUTE, name: 'later', topic: 'later/{device_id}' }],
        env,
      );
      const report = await new DeadLetters(today, 'somebody@here').replay(
        ALL_LETTERS,
        { limit: null, dryRun: false },
        never(),
      );
      assert.deepEqual([report.replayed, report.failed], [late.length, 0], JSON.stringify(report));
      const after = modelOf(messages, () => true);
      await assertPointViews(database, after, 'after');
      await refreshAll(database, engine);
      await assertLevels(database, after, 'after');
      const range = { from: WEEK_AGO, to: WEEK_AGO + DAY };
      const question = { ...range, width: width('1 hour', HOUR), tz: 'UTC', fill: 'none' } as const;
      await assertAggregate(database, after, question, 'after');
      await compressAll(engine, (WEEK_AGO + 2 * DAY) / 1000);
      await assertPointViews(database, after, 'after, compressed');
      assert.deepEqual(await lettersOf(database), []);
    });

    test('in compressed chunks too, a message that was stored in part is not stored twice', async () => {
      await using database = await kind.createDatabase();
      const engine = kind.open(database);
      const env = { TIDEGATE_DATABASE_ENGINE: kind.name };
      const messages = Array.from({ length: 1_500 }, (_, index) => ({
        topic: 'plant/x',
        payload: JSON.stringify({ a: index % 3, b: index % 10 === 0 ? 'far too long' : 1 }),
        // Bursts: some come in one millisecond.
        at: WEEK_AGO + HOUR + Math.floor(index / 4) * SECOND + index,
      }));
      const short = { ...env, TIDEGATE_INGEST_LIMITS_TEXT_LENGTH: '3' };
      await receive(configured(database, [ROUTE], short), messages, { engine: kind.name });
      await compressAll(engine, (WEEK_AGO + 2 * DAY) / 1000);
      const numbers = (rows: string[]) => rows.filter((row) => !row.includes('far'));
      const before = numbers(await storedIn(database));
      assert.equal(before.length, 1_500 + 1_350);
      assert.deepEqual(new Set((await lettersOf(database)).map(({ stored }) => stored)), new Set([1]));
      const dead = new DeadLetters(configured(database, [ROUTE], env), 'x');
      const report = await dead.replay(ALL_LETTERS, { limit: null, dryRun: false }, never());
      assert.deepEqual([report.replayed, report.points.duplicate], [150, 150], JSON.stringify(report));
      assert.deepEqual(numbers(await storedIn(database)), before);
    });

    test('in a schema that is not public', async () => {
      await using database = await kind.createDatabase({ migrated: false });
      const schema = 'halle_7';
      const env = { TIDEGATE_DATABASE_SCHEMA: schema, TIDEGATE_DATABASE_ENGINE: kind.name };
      const options = { url: database.url, schema, readerRole: null, writerRole: null, logger: silent };
      await migrate({ ...options, engine: kind.name });
      const messages = ['{"a": 1, "b": "too long"}', '{"a": 1}', 'no json'].map((payload) => ({
        topic: 'plant/x',
        payload,
        at: WEEK_AGO,
      }));
      const short = { ...env, TIDEGATE_INGEST_LIMITS_TEXT_LENGTH: '3' };
      await receive(configured(database, [ROUTE], short), messages, { engine: kind.name });
      const dead = new DeadLetters(configured(database, [ROUTE], env), 'x');
      const report = await dead.replay(ALL_LETTERS, { limit: null, dryRun: false }, never());
      assert.deepEqual([report.replayed, report.failed, report.points.duplicate], [1, 1, 1]);
      assert.deepEqual(await storedIn(database, schema), [
        `x a ${WEEK_AGO} 1`,
        `x a ${WEEK_AGO + 1} 1`,
        `x b ${WEEK_AGO} too long`,
      ]);
      assert.equal((await dead.drop(ALL_LETTERS, { limit: null, dryRun: false }, never())).dropped, 1);
      assert.deepEqual(await lettersOf(database, schema), []);
    });
  });
}
