import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Engine } from '../../src/engines/engine.ts';
import { correct } from '../integration/corrections/corrections.ts';
import { openSink, series, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES, type EngineUnderTest } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';
import { assertAggregate, assertLevels } from './aggregate-answers.ts';
import { at, batchesOf, DAY, HOUR, SECOND } from './inputs.ts';
import { width } from './local-buckets.ts';
import { Model, type Put, put } from './model.ts';
import { assertPivot, assertPoints, assertPointViews } from './point-answers.ts';
import { compressAll, refreshAll } from './states.ts';

const FIRST = at('2024-03-04T00:00:00Z');
const WHOLE = { from: FIRST - DAY, to: FIRST + 5 * DAY };

/** Two devices with two metrics and texts, at times some of which they share: a compressed day, and one that is not. */
function rows(): Put[] {
  const all: Put[] = [];
  for (const day of [FIRST, FIRST + 2 * DAY]) {
    for (let index = 0; index < 700; index++) {
      const time = day + index * 30 * SECOND;
      all.push({ device: 'a', metric: 'x', time, value: index % 50 });
      all.push({
        device: 'b',
        metric: 'x',
        time: index % 2 === 0 ? time : time + SECOND,
        value: 1_000 + (index % 30),
      });
      if (index % 7 === 0) all.push({ device: 'a', metric: 'y', time, value: index / 8 });
      if (index % 50 === 0)
        all.push({ device: index % 100 === 0 ? 'a' : 'b', metric: 'note', time, value: `${index}` });
    }
  }
  return all;
}

interface Filled extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly sink: TestSink;
  readonly model: Model;
  readonly engine: Engine;
}

async function filled(kind: EngineUnderTest): Promise<Filled> {
  const database = await kind.createDatabase();
  const sink = openSink(database, { engine: kind.name });
  const model = new Model();
  const engine = kind.open(database);
  for (const batch of batchesOf(rows(), 1_500, randomFrom(5))) await put(sink, model, batch);
  await refreshAll(database, engine);
  await compressAll(engine, (FIRST + 2 * DAY) / 1000);
  // Late points, which a correction has to find too.
  await put(sink, model, [
    { device: 'a', metric: 'x', time: FIRST + 5 * HOUR + 1, value: -3 },
    { device: 'b', metric: 'x', time: FIRST + 5 * HOUR + 2, value: -4 },
  ]);
  return {
    database,
    sink,
    model,
    engine,
    [Symbol.asyncDispose]: async () => {
      await sink.close();
      await database.drop();
    },
  };
}

async function assertAll({ database, engine, model }: Filled, when: string): Promise<void> {
  await assertPointViews(database, model, when);
  await assertPoints(database, model, WHOLE, when);
  for (const device of ['a', 'b', 'c']) await assertPivot(database, model, device, WHOLE, when);
  await refreshAll(database, engine);
  await assertLevels(database, model, when);
  const question = { ...WHOLE, width: width('1 hour', HOUR), tz: 'Asia/Kathmandu', fill: 'none' } as const;
  await assertAggregate(database, model, question, when);
  await compressAll(engine, Date.now());
  await assertPointViews(database, model, `${when}, compressed`);
  await assertLevels(database, model, `${when}, compressed`);
}

type Deletion = Parameters<Parameters<Parameters<typeof correct>[1]>[0]['delete']>[0];

for (const kind of ENGINES) {
  suite(`corrections of ${kind.name}`, { skip: kind.skip }, () => {
    for (const [what, deletion, goes] of [
      ['a device', { device: 'a', metric: null, from: null, to: null }, ({ device }: Put) => device === 'a'],
      [
        'a metric',
        { device: 'a', metric: 'x*', from: null, to: null },
        ({ device, metric }: Put) => device === 'a' && metric === 'x',
      ],
      [
        'a range',
        { device: 'b', metric: null, from: '2024-03-04T00:30:15Z', to: '2024-03-06T01:00:00Z' },
        ({ device, time }: Put) =>
          device === 'b' && time >= at('2024-03-04T00:30:15Z') && time < at('2024-03-06T01:00:00Z'),
      ],
    ] satisfies [string, Deletion, (row: Put) => boolean][]) {
      test(`${what} goes, as a dry run said`, async () => {
        await using here = await filled(kind);
        const { database, model } = here;
        const dry = await correct(database, (corrections) => corrections.delete(deletion, true));
        await assertPointViews(database, model, 'after a dry run');
        const wet = await correct(database, (corrections) => corrections.delete(deletion, false));
        assert.deepEqual(wet.counts, dry.counts);
        const gone = model
          .series()
          .flatMap(({ device, metric, points }) => points.map((point) => ({ device, metric, ...point })))
          .filter(goes);
        assert.deepEqual(
          [wet.counts['points'], wet.counts['texts']],
          [
            gone.filter(({ value }) => typeof value === 'number').length,
            gone.filter(({ value }) => typeof value === 'string').length,
          ],
        );
        model.keep((row) => !goes(row));
        await assertAll(here, `without ${what}`);
        const audit = await database.query('SELECT action, subject, counts FROM iot_audit');
        assert.deepEqual(audit, [{ action: 'delete', subject: deletion, counts: wet.counts }]);
      });
    }

    test('a device is renamed, and what it publishes follows', async () => {
      await using here = await filled(kind);
      const { database, model, sink } = here;
      await correct(database, (corrections) => corrections.rename('a', 'c', false));
      model.hand('a', 'c');
      await sink.put(series('a', FIRST + DAY, 1));
      model.put([{ device: 'c', metric: 'x', time: FIRST + DAY, value: 1 }]);
      await assertAll(here, 'renamed');
    });

    test('a device is merged into another, whose points stay', async () => {
      await using here = await filled(kind);
      const { database, model } = here;
      const dry = await correct(database, (corrections) => corrections.merge('a', 'b', true));
      const { counts } = await correct(database, (corrections) => corrections.merge('a', 'b', false));
      assert.deepEqual(counts, dry.counts);
      model.hand('a', 'b');
      await assertAll(here, 'merged');
    });

    test('what is not there is told', async () => {
      await using database = await kind.createDatabase();
      await correct(database, async (corrections) => {
        const nobody = { device: 'nobody', metric: null, from: null, to: null };
        await assert.rejects(corrections.delete(nobody, false), { code: 'device_unknown' });
        await assert.rejects(corrections.rename('nobody', 'c', false), { code: 'device_unknown' });
        await assert.rejects(corrections.merge('nobody', 'c', false), { code: 'device_unknown' });
      });
    });
  });
}
