import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Engine } from '../../src/engines/engine.ts';
import { openSink, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';
import { assertAggregate, assertLevels, type Fill } from './aggregate-answers.ts';
import { at, batchesOf, DAY, HOUR, lifetime, MINUTE, SECOND } from './inputs.ts';
import { months, width } from './local-buckets.ts';
import { Model, put } from './model.ts';
import { assertPivot, assertPoints, assertPointViews } from './point-answers.ts';
import { compressAll, refreshAll } from './states.ts';

const SEED = 11;

for (const kind of ENGINES) {
  suite(`answers of ${kind.name}`, { skip: kind.skip }, () => {
    const now = Date.now() * 1000;
    const random = randomFrom(SEED);
    const model = new Model();
    let database: TestDatabase;
    let sink: TestSink;
    let engine: Engine;
    before(async () => {
      database = await kind.createDatabase();
      sink = openSink(database, { engine: kind.name });
      engine = kind.open(database);
    });
    after(async () => {
      await sink.close();
      await database.drop();
    });

    async function putAll(rows: Parameters<typeof batchesOf>[0], size: number): Promise<void> {
      for (const batch of batchesOf(rows, size, random)) {
        const { expected, found } = await put(sink, model, batch);
        assert.deepEqual(found, expected, 'stored, duplicate, conflict');
      }
    }

    async function assertPointAnswers(when: string): Promise<void> {
      await assertPointViews(database, model, when);
      const day = now - 12 * DAY;
      for (const range of [
        { from: day + HOUR + 1, to: day + 3 * HOUR },
        { from: now - 500 * DAY, to: now + DAY },
        { from: day, to: day },
      ])
        await assertPoints(database, model, range, when);
      await assertPivot(database, model, 'a', { from: day + HOUR, to: now }, when);
      await assertPivot(database, model, 'nobody', { from: day, to: now }, when);
    }

    const spring = { from: at('2024-03-30T22:10:00Z'), to: at('2024-03-31T22:30:00Z') };
    const autumn = { from: at('2024-10-26T21:10:00Z'), to: at('2024-10-27T23:30:00Z') };
    const year = { from: at('2024-01-01T00:00:00Z'), to: at('2025-01-01T00:00:00Z') };
    const dense = { from: now - 12 * DAY + HOUR, to: now - 12 * DAY + 3 * HOUR };
    const lately = { from: now - 4 * DAY, to: now };
    const questions = [
      { ...lately, width: width('1 hour', HOUR), tz: 'UTC' },
      { ...lately, width: width('1 day', DAY), tz: 'UTC' },
      { ...lately, width: width('6 hours', 6 * HOUR), tz: 'Europe/Berlin' },
      { ...dense, width: width('30 seconds', 30 * SECOND), tz: 'UTC' },
      { ...dense, width: width('1 minute', MINUTE), tz: 'UTC' },
      { ...dense, width: width('5 minutes', 5 * MINUTE), tz: 'Asia/Kathmandu' },
      { ...dense, width: width('15 minutes', 15 * MINUTE), tz: 'UTC' },
      ...[spring, autumn].flatMap((range) => [
        { ...range, width: width('1 hour', HOUR), tz: 'Europe/Berlin' },
        { ...range, width: width('1 day', DAY), tz: 'Europe/Berlin' },
        { ...range, width: width('1 hour', HOUR), tz: 'Asia/Kathmandu' },
      ]),
      { ...year, width: width('1 week', 7 * DAY), tz: 'Europe/Berlin' },
      { ...year, width: width('7 days', 7 * DAY), tz: 'UTC' },
      { ...year, width: months(1), tz: 'Asia/Kathmandu' },
      { ...year, width: months(3), tz: 'UTC' },
    ];
    const fills: Fill[] = ['none', 'null', 'locf', 'linear'];

    async function assertAggregateAnswers(when: string): Promise<void> {
      await assertLevels(database, model, when);
      for (const [place, question] of questions.entries()) {
        const its = when === 'live' ? fills : ['none' as const, fills[1 + (place % 3)] as Fill];
        for (const fill of its) await assertAggregate(database, model, { ...question, fill }, when);
      }
    }

    test('points in any order, twice, and with other values', async () => {
      await putAll(lifetime(now, 1), 900);
      await assertPointAnswers('live');
    });

    test('aggregates before any refresh', () => assertAggregateAnswers('live'));

    test('aggregates after a refresh', async () => {
      await refreshAll(database, engine);
      await assertAggregateAnswers('refreshed');
    });

    test('compressed chunks', async () => {
      await compressAll(engine, Date.now() - (7 * DAY) / 1000);
      await assertPointAnswers('compressed');
      await assertAggregateAnswers('compressed');
    });

    test('late points of compressed chunks, seen at once, and in aggregates with the next refresh', async () => {
      await putAll(
        lifetime(now, 2).filter(({ time }) => time < now - 2 * HOUR && random() < 0.3),
        300,
      );
      await assertPointAnswers('late');
      await refreshAll(database, engine);
      await assertAggregateAnswers('late');
    });

    test('late points compressed', async () => {
      await compressAll(engine, Date.now() - (7 * DAY) / 1000);
      await assertPointAnswers('late and compressed');
      await assertAggregateAnswers('late and compressed');
    });

    test('bad arguments are told', async () => {
      const ask = (rest: string) => database.query(`SELECT FROM iot_aggregate('a', 'plain', ${rest})`);
      for (const rest of [
        `'2024-01-01', '2024-01-02', '0 seconds'`,
        `'2024-01-01', '2024-01-02', '-1 hour'`,
        `'2024-01-01', '2024-01-02', '1 month 1 day'`,
        `'2024-01-01', '2024-01-02', '1 hour', 'Nowhere/Land'`,
        `'2024-01-01', '2024-01-02', '1 hour', 'UTC', 'guess'`,
        `NULL, '2024-01-02', '1 hour'`,
        `'-infinity', 'infinity', '1 hour', 'UTC', 'null'`,
        `'2000-01-01', '2024-01-02', '1 second', 'UTC', 'null'`,
      ])
        await assert.rejects(ask(rest), { code: '22023' }, rest);
      await ask(`'2024-01-01', '2024-01-02', '1 day'`);
    });
  });
}
