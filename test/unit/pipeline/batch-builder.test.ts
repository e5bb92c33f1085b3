import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { totalsOf } from '../../../src/pipeline/batch.ts';
import { BatchBuilder } from '../../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import {
  ARRIVAL,
  CHANGES_ONLY,
  type DropReason,
  type Series,
  type SeriesMeta,
} from '../../../src/pipeline/types.ts';
import {
  birth,
  message,
  NEW_YEAR,
  point,
  type Script,
  SECOND,
  scriptArbitrary,
  scriptedDecoder,
  TAKE_ALL,
} from './messages.ts';

function builder(admission = TAKE_ALL, onDrop: (reason: DropReason) => void = () => {}): BatchBuilder {
  return new BatchBuilder(scriptedDecoder, new SeriesRegistry(1000), admission, onDrop);
}

test('columns say which series, which message, when and what', () => {
  const open = builder();
  const both = message((out) => {
    out.number('a', 'x', NEW_YEAR, 1.5, 'gauge');
    out.text('a', 'y', NEW_YEAR + 1, 'on', true);
    out.number('b', 'x', NEW_YEAR + 2, -0, 'counter');
  });
  assert.equal(open.add(both), 3);
  assert.equal(open.add(point('a', 'x', NEW_YEAR + 3, Number.NaN)), 1);
  assert.equal(open.points, 4);
  const { points, texts, series, messages, deadLetters } = open.seal();
  const column = (array: ArrayLike<number>) => Array.from(array).slice(0, points.length);
  assert.deepEqual(
    series.map(({ deviceId, metricName, kind }) => [deviceId, metricName, kind]),
    [
      ['a', 'x', 'gauge'],
      ['a', 'y', 'text'],
      ['b', 'x', 'counter'],
    ],
  );
  assert.deepEqual(column(points.seriesIndex), [0, 2, 0]);
  assert.deepEqual(column(points.messageIndex), [0, 0, 1]);
  assert.deepEqual(column(points.timestamp), [NEW_YEAR, NEW_YEAR + 2, NEW_YEAR + 3]);
  assert.ok(Object.is(points.value[1], -0));
  assert.deepEqual(column(points.flags), [0, 0, 0]);
  assert.deepEqual(texts, {
    length: 1,
    seriesIndex: [1],
    messageIndex: [0],
    timestamp: [NEW_YEAR + 1],
    value: ['on'],
    flags: [CHANGES_ONLY],
  });
  assert.deepEqual(messages, { outcome: ['settled', 'settled'], decoded: [3, 1], dropped: [0, 0] });
  assert.deepEqual(deadLetters, []);
});

test('a sealed batch is left alone by what comes after', () => {
  const open = builder();
  open.add(point('a', 'x', NEW_YEAR, 1));
  const first = open.seal();
  assert.ok(open.empty);
  open.add(point('b', 'x', NEW_YEAR, 2));
  const second = open.seal();
  assert.equal(first.points.value[0], 1);
  assert.deepEqual(
    second.series.map(({ deviceId }) => deviceId),
    ['b'],
  );
  assert.notEqual(first.id, second.id);
});

test('a message without a time gets its arrival in milliseconds, and the mark', () => {
  const open = builder({ maxFuture: 0, maxAge: 0 });
  const receivedAt = NEW_YEAR + 123_456;
  open.add(
    message(
      (out) => {
        out.number('a', 'x', Number.NaN, 1, 'gauge');
        out.text('a', 'y', Number.NaN, 'on', true);
      },
      { receivedAt },
    ),
  );
  const { points, texts } = open.seal();
  assert.equal(points.timestamp[0], NEW_YEAR + 123_000);
  assert.equal(points.flags[0], ARRIVAL);
  assert.deepEqual(texts.timestamp, [NEW_YEAR + 123_000]);
  assert.deepEqual(texts.flags, [ARRIVAL | CHANGES_ONLY]);
});

test('a partly bad message is one dead letter and its good points', () => {
  const open = builder();
  const partly = message((out) => {
    out.reject('value_missing', '$.a has no value');
    out.number('a', 'x', NEW_YEAR, 1, 'gauge');
    out.reject('text_nul', '$.b');
    out.reject('text_nul', '$.c');
  });
  assert.equal(open.add(partly), 4);
  const batch = open.seal();
  assert.equal(batch.points.length, 1);
  assert.deepEqual(batch.deadLetters, [
    {
      messageIndex: 0,
      route: 'scripted',
      code: 'value_missing',
      detail: '$.a has no value (and 2 more)',
      points: 3,
    },
  ]);
  const totals = totalsOf(batch);
  assert.deepEqual(totals.messages, { settled: 0, ignored: 0, dead_lettered: 1, dropped: 0 });
  assert.deepEqual([totals.points.decoded, totals.points.dead_lettered], [4, 3]);
});

test('a message of nothing is ignored, one of dropped points settled, one of no route a dead letter', () => {
  const reasons: DropReason[] = [];
  const open = builder(TAKE_ALL, (reason) => reasons.push(reason));
  open.add(message(() => {}));
  open.add(message((out) => out.drop('text_dropped')));
  open.add(message((out) => out.reject('no_route', 'nowhere'), { topic: 'nowhere' }));
  const batch = open.seal();
  assert.deepEqual(batch.messages, {
    outcome: ['ignored', 'settled', 'dead_lettered'],
    decoded: [0, 1, 1],
    dropped: [0, 1, 0],
  });
  assert.deepEqual(reasons, ['text_dropped']);
  assert.equal(batch.deadLetters[0]?.route, null);
});

test('times too far ahead or behind are dead letters; the bound itself is taken', () => {
  const open = builder({ maxFuture: 10 * SECOND, maxAge: 20 * SECOND });
  for (const offset of [10 * SECOND, 10 * SECOND + 1, -20 * SECOND, -20 * SECOND - 1]) {
    open.add(point('a', 'x', NEW_YEAR + offset, offset));
  }
  open.add(message((out) => out.text('a', 'y', NEW_YEAR + DAY_AHEAD, 'late', false)));
  const { points, texts, deadLetters } = open.seal();
  assert.deepEqual([points.length, texts.length], [2, 0]);
  assert.deepEqual(
    deadLetters.map(({ messageIndex, code }) => [messageIndex, code]),
    [
      [1, 'timestamp_in_future'],
      [3, 'timestamp_too_old'],
      [4, 'timestamp_in_future'],
    ],
  );
});
const DAY_AHEAD = 86_400 * SECOND;

test('a decoder that throws leaves nothing of the message but a dead letter, which says so', () => {
  const open = builder();
  open.add(point('a', 'x', NEW_YEAR, 1));
  const broken = message((out) => {
    out.number('b', 'x', NEW_YEAR, 2, 'gauge');
    out.text('b', 'y', NEW_YEAR, 'two', false);
    out.edge?.(birth('E', NEW_YEAR));
    out.reject('value_missing', 'before the fault');
    throw new TypeError('undefined is not a function');
  });
  open.add(broken);
  open.add(point('c', 'x', NEW_YEAR, 3));
  const { points, texts, deadLetters, edgeEvents, messages } = open.seal();
  assert.deepEqual(Array.from(points.value).slice(0, points.length), [1, 3]);
  assert.deepEqual(edgeEvents, []);
  assert.equal(texts.length, 0);
  assert.deepEqual(messages.outcome, ['settled', 'dead_lettered', 'settled']);
  assert.deepEqual(
    deadLetters.map(({ code, detail }) => [code, detail]),
    [['internal', 'undefined is not a function']],
  );
});

test('what messages say of a series stays with it, key by key, the newest last', () => {
  const open = builder();
  const celsius = { unit: 'Cel', tags: { site: 'berlin', line: '1' } };
  const say = (meta: SeriesMeta, receivedAt: number): Series => {
    const script: Script = (out) => {
      out.number('a', 'x', NEW_YEAR, 1, 'gauge');
      out.describe(meta);
    };
    open.add(message(script, { receivedAt }));
    return open.seal().series[0] as Series;
  };
  const series = say(celsius, NEW_YEAR);
  const { meta } = series;
  assert.deepEqual(meta, celsius);
  say({ unit: 'Cel', tags: { line: '1', site: 'berlin' } }, NEW_YEAR + 1);
  assert.equal(series.meta, meta, 'nothing new is the same object');
  say({ unit: 'K' }, NEW_YEAR - 1);
  assert.equal(series.meta, meta, 'an older message out of the spool says nothing');
  say({ deviceName: 'Kitchen', tags: { site: 'bonn' } }, NEW_YEAR + 2);
  assert.deepEqual(series.meta, { unit: 'Cel', tags: { site: 'bonn' }, deviceName: 'Kitchen' });
  const described = { unit: 'K' };
  say(described, NEW_YEAR + 3);
  say(described, NEW_YEAR + 4);
  assert.deepEqual([series.meta.unit, series.describedAt], ['K', NEW_YEAR + 3]);
});

test('nothing is described after a point that is not taken', () => {
  const open = builder({ maxFuture: SECOND, maxAge: SECOND });
  for (const refused of [
    (out) => out.number('a', 'x', NEW_YEAR + DAY_AHEAD, 1, 'gauge'),
    (out) => out.reject('value_missing', '$'),
    (out) => out.drop('text_dropped'),
  ] satisfies Script[]) {
    open.add(
      message((out) => {
        out.number('a', 'x', NEW_YEAR, 1, 'gauge');
        refused(out);
        out.describe({ unit: 'Cel' });
      }),
    );
  }
  open.add(message((out) => out.describe({ unit: 'Cel' })));
  assert.deepEqual(
    open.seal().series.map(({ meta }) => meta),
    [{}],
  );
});

test('series that nobody knew before count among the bytes, known ones do not', () => {
  const open = builder();
  const bytesOf = (metric: string): number => {
    const before = open.bytes;
    open.add(point('a', metric, NEW_YEAR, 1));
    return open.bytes - before;
  };
  const unknown = bytesOf('x');
  const again = bytesOf('x');
  assert.ok(
    unknown - again >= 200,
    `${unknown} bytes for a point of a new series, ${again} for one of the same`,
  );
  const { series, bytes } = open.seal();
  assert.ok(bytes >= unknown + again);
  (series[0] as Series).id = 1;
  assert.equal(bytesOf('x'), again);
});

test('bytes grow with payloads and points', () => {
  const open = builder();
  open.add(message(() => {}, { payload: new Uint8Array(1000) }));
  const empty = open.bytes;
  assert.ok(empty >= 1000);
  open.add(message((out) => out.number('a', 'x', NEW_YEAR, 1, 'gauge'), { payload: new Uint8Array(1000) }));
  assert.ok(open.bytes - empty > empty);
  assert.equal(open.seal().bytes > 2000, true);
  assert.equal(open.bytes, 0);
});

test('property: the totals of a batch add up, message by message and in all', () => {
  fc.assert(
    fc.property(
      fc.array(scriptArbitrary, { maxLength: 12 }),
      fc.nat(3),
      fc.nat(3),
      (all, ignored, dropped) => {
        const open = builder({ maxFuture: 3 * SECOND, maxAge: 3 * SECOND });
        const decoded = all.map((script) => open.add(message(script)));
        for (let index = 0; index < ignored; index++) open.addApart('ignored');
        for (let index = 0; index < dropped; index++) open.addApart('dropped');
        assert.equal(open.messages, all.length);
        const batch = open.seal();
        const { messages, points } = totalsOf(batch);
        assert.equal(
          messages.settled + messages.ignored + messages.dead_lettered + messages.dropped,
          all.length + ignored + dropped,
        );
        assert.deepEqual(batch.messages.decoded, decoded);
        assert.equal(
          points.decoded,
          batch.points.length + batch.texts.length + points.dead_lettered + points.dropped,
        );
        assert.deepEqual([points.stored, points.duplicate, points.conflict], [0, 0, 0]);
      },
    ),
  );
});

test('a column of numbers is the same as its points one by one, those that are refused too', () => {
  const time = fc.integer({ min: -3, max: 3 }).map((seconds) => NEW_YEAR + seconds * SECOND);
  const column = fc.array(fc.tuple(time, fc.double({ noNaN: true })), { minLength: 1, maxLength: 2_000 });
  const built = (columns: readonly (readonly (readonly [number, number])[])[], whole: boolean) => {
    const open = builder({ maxFuture: 2 * SECOND, maxAge: 2 * SECOND });
    const counts = columns.map((rows) =>
      open.add(
        message((out) => {
          const [times, values] = [0, 1].map((part) => Float64Array.from(rows, (row) => row[part] as number));
          if (whole) out.numbers?.('d', 'x', times as Float64Array, values as Float64Array, 'gauge');
          else for (const [at, value] of rows) out.number('d', 'x', at, value, 'gauge');
        }),
      ),
    );
    const { bytes } = open;
    const { points, messages, deadLetters } = open.seal();
    const taken = (array: ArrayLike<number>) => Array.from(array).slice(0, points.length);
    const { length, ...arrays } = points;
    return { counts, bytes, length, messages, deadLetters, columns: Object.values(arrays).map(taken) };
  };
  fc.assert(
    fc.property(fc.array(column, { minLength: 1, maxLength: 3 }), (columns) => {
      assert.deepEqual(built(columns, true), built(columns, false));
    }),
  );
});
