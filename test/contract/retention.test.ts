import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Engine, EngineOptions } from '../../src/engines/engine.ts';
import { openSink, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES, type EngineUnderTest, engineOptions, runJob } from '../support/engines.ts';
import { message } from '../unit/pipeline/messages.ts';
import { assertLevels } from './aggregate-answers.ts';
import { DAY, MINUTE } from './inputs.ts';
import { Model, type Put, put } from './model.ts';
import { assertPoints, assertPointViews } from './point-answers.ts';
import { refreshAll } from './states.ts';

const TODAY = Math.floor((Date.now() * 1000) / DAY) * DAY;
/** Retention cuts at whole days: all of the day before this one goes. */
const CUT = TODAY - 10 * DAY;
/** Milliseconds: in the middle of the cut's day. */
const AGE = (Date.now() * 1000 - (CUT + DAY / 2)) / 1000;

/** Days with 1,440 points each, and a text each. */
function rows(from: number, to: number): Put[] {
  const all: Put[] = [];
  for (let time = from; time < to; time += MINUTE) {
    all.push({ device: 'a', metric: 'x', time, value: (time / MINUTE) % 17 });
    if (time % DAY === 0) all.push({ device: 'a', metric: 'note', time, value: `day ${time}` });
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
  for (let day = CUT - 2 * DAY; day < CUT + 2 * DAY; day += DAY) await put(sink, model, rows(day, day + DAY));
  const engine = kind.open(database);
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

function keeping(more: Partial<EngineOptions['retention']>): Pick<EngineOptions, 'retention'> {
  return { retention: { ...engineOptions({ url: '' }).retention, ...more } };
}

const young = ({ time }: { readonly time: number }): boolean => time >= CUT;

for (const kind of ENGINES) {
  suite(`retention of ${kind.name}`, { skip: kind.skip }, () => {
    test('nothing goes by default', async () => {
      await using here = await filled(kind);
      const { database, engine, model } = here;
      await refreshAll(database, engine);
      await runJob(engine, 'retention');
      await assertPointViews(database, model, 'by default');
      await assertLevels(database, model, 'by default');
    });

    test('points wait for the aggregates, which outlive them; what is older than the cut is dropped and counted', async () => {
      await using here = await filled(kind);
      const { database, engine, model, sink } = here;
      const keep = kind.open(database, keeping({ raw: AGE }));
      assert.match((await runJob(keep, 'retention')).detail, /is kept: the aggregate 1min is at -infinity/);
      await assertPointViews(database, model, 'not covered');

      await refreshAll(database, engine);
      await runJob(keep, 'retention');
      const left = new Model();
      left.put(rows(CUT - 2 * DAY, CUT + 2 * DAY));
      left.keep((row) => typeof row.value === 'string' || young(row));
      await assertPoints(database, left, { from: 0, to: TODAY }, 'cut');
      await assertLevels(database, model, 'cut');

      const old = { device: 'a', metric: 'x', time: CUT - DAY + 1, value: 99 };
      const late = { device: 'a', metric: 'x', time: CUT + 1, value: 99 };
      const report = await sink.put(
        message((out) => {
          for (const { device, metric, time, value } of [old, late])
            out.number(device, metric, time, value, 'gauge');
        }),
      );
      const { stored, dropped } = report.totals.points;
      assert.deepEqual([report.expired, stored, dropped], [1, 1, 1]);
      left.put([late]);
      model.put([late]);
      await refreshAll(database, keep);
      await assertPoints(database, left, { from: 0, to: TODAY }, 'late');
      await assertLevels(database, model, 'late');
    });

    test('texts have a retention of their own', async () => {
      await using here = await filled(kind);
      const { database, model } = here;
      await runJob(kind.open(database, keeping({ text: AGE })), 'retention');
      const texts = await database.query<{ value: string }>(
        'SELECT value FROM iot_text ORDER BY "timestamp"',
      );
      assert.deepEqual(
        texts.map(({ value }) => value),
        rows(CUT, CUT + 2 * DAY)
          .filter(({ value }) => typeof value === 'string')
          .map(({ value }) => value),
      );
      await assertPoints(database, model, { from: 0, to: TODAY }, 'without old texts');
    });

    test('a level goes without the others', async () => {
      await using here = await filled(kind);
      const { database, engine, model } = here;
      await refreshAll(database, engine);
      const { levels } = engineOptions(database).retention;
      await runJob(kind.open(database, keeping({ levels: { ...levels, '1min': AGE } })), 'retention');
      await assertLevels(database, model, 'without old minutes', ['15min', '1hour', '1day']);
      const left = new Model();
      left.put(rows(CUT, CUT + 2 * DAY));
      await assertLevels(database, left, 'cut', ['1min']);
      await assertPoints(database, model, { from: 0, to: TODAY }, 'without old minutes');
    });
  });
}
