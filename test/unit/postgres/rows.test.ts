import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Batch } from '../../../src/pipeline/types.ts';
import { RowRoom } from '../../../src/postgres/row-room.ts';
import { type OnDuplicate, type SortedRows, sortRows } from '../../../src/postgres/rows.ts';
import { batches, message, NEW_YEAR } from '../pipeline/messages.ts';

interface Point {
  readonly series: number;
  /** Microseconds after the arrival; null where the point has no time of its own. */
  readonly time: number | null;
  readonly value: number;
}

/** Ids against the order of appearance, so that sorting by id is seen. */
function batchOf(points: readonly Point[], base = 1_000): Batch {
  const batch = batches()(
    ...points.map(({ series, time, value }) =>
      message((out) =>
        out.number(`device ${series}`, 'x', time === null ? Number.NaN : NEW_YEAR + time, value, 'gauge'),
      ),
    ),
  );
  for (const series of batch.series) series.id = base - Number(series.deviceId.split(' ')[1]);
  return batch;
}

function rowsOf(sorted: SortedRows): (readonly [number, number, number])[] {
  return Array.from({ length: sorted.length }, (_, row) => [
    sorted.seriesId[row] as number,
    (sorted.timestamp[row] as number) - NEW_YEAR,
    sorted.value[row] as number,
  ]);
}

const pointArbitrary: fc.Arbitrary<Point> = fc.record({
  series: fc.integer({ min: 0, max: 3 }),
  time: fc.option(fc.integer({ min: -3, max: 6 }), { nil: null, freq: 3 }),
  value: fc.constantFrom(1, 2, 0, -0, Number.NaN, Number.POSITIVE_INFINITY),
});
const onDuplicateArbitrary = fc.constantFrom<OnDuplicate>('keep_first', 'keep_last');

test('property: rows are sorted by the key, each once, and every point is accounted for', () => {
  fc.assert(
    fc.property(fc.array(pointArbitrary, { maxLength: 40 }), onDuplicateArbitrary, (points, onDuplicate) => {
      const sorted = sortRows(batchOf(points), onDuplicate);
      const rows = rowsOf(sorted);
      for (const [index, [id, time]] of rows.entries()) {
        const before = rows[index - 1];
        if (before !== undefined) {
          assert.ok(before[0] < id || (before[0] === id && before[1] < time), 'sorted and unique');
        }
      }
      assert.equal(sorted.length + sorted.duplicate + sorted.conflict, points.length);
      // The runs name their series and cover all rows.
      assert.equal(sorted.start.at(-1), sorted.length);
      for (const [run, its] of sorted.series.entries()) {
        const ids = sorted.seriesId.subarray(sorted.start[run], sorted.start[run + 1]);
        assert.ok(ids.length > 0 && ids.every((id) => id === its));
      }
    }),
  );
});

test('property: ids too great for one number beside their place sort the same', () => {
  const least = Number.MAX_SAFE_INTEGER - 1_000;
  fc.assert(
    fc.property(fc.array(pointArbitrary, { maxLength: 40 }), (points) => {
      const [small, great] = [1_000, least].map((base) => sortRows(batchOf(points, base), 'keep_first'));
      assert.deepEqual(
        great?.seriesId.map((id) => (id === 0 ? 0 : id - least + 1_000)),
        small?.seriesId,
      );
      assert.deepEqual([great?.timestamp, great?.start], [small?.timestamp, small?.start]);
    }),
  );
});

const isSame = (left: number, right: number) => left === right || Object.is(left, right);

test('property: points with a time of their own end as in a map, and arrivals beside them', () => {
  fc.assert(
    fc.property(fc.array(pointArbitrary, { maxLength: 40 }), onDuplicateArbitrary, (points, onDuplicate) => {
      const model = new Map<string, number>();
      let duplicate = 0;
      let conflict = 0;
      for (const { series, time, value } of points) {
        if (time === null) continue;
        const key = `${1_000 - series} ${time}`;
        const known = model.get(key);
        if (known === undefined) model.set(key, value);
        else {
          if (isSame(known, value)) duplicate++;
          else conflict++;
          if (onDuplicate === 'keep_last') model.set(key, value);
        }
      }
      const sorted = sortRows(batchOf(points), onDuplicate);
      assert.deepEqual([sorted.duplicate, sorted.conflict], [duplicate, conflict]);
      const rows = rowsOf(sorted);
      for (const [id, time, value] of rows.filter((_, row) => sorted.arrival[row] === 0)) {
        assert.ok(Object.is(model.get(`${id} ${time}`), value));
        model.delete(`${id} ${time}`);
      }
      assert.equal(model.size, 0, 'no timed point is lost');
      const arrived = rows.filter((_, row) => sorted.arrival[row] === 1);
      const sent = points.filter(({ time }) => time === null);
      assert.equal(arrived.length, sent.length, 'no arrival is lost');
      for (const series of [0, 1, 2, 3]) {
        const id = 1_000 - series;
        assert.deepEqual(
          arrived.filter(([one]) => one === id).map(([, , value]) => value),
          sent.filter((one) => one.series === series).map(({ value }) => value),
          'arrivals keep their order',
        );
      }
      for (const [id, time] of arrived) {
        for (let earlier = 0; earlier < time; earlier++) {
          assert.ok(
            rows.some((row) => row[0] === id && row[1] === earlier),
            'moved no further than needed',
          );
        }
      }
    }),
  );
});

test('property: sorting again, as a retry does, gives the same', () => {
  fc.assert(
    fc.property(fc.array(pointArbitrary, { maxLength: 40 }), onDuplicateArbitrary, (points, onDuplicate) => {
      const batch = batchOf(points);
      assert.deepEqual(sortRows(batch, onDuplicate), sortRows(batch, onDuplicate));
    }),
  );
});

test('many arrivals of one millisecond are set apart one by one', () => {
  const count = 20_000;
  const points = Array.from({ length: count }, (_, value) => ({ series: 0, time: null, value }));
  const sorted = sortRows(batchOf(points), 'keep_first');
  assert.equal(sorted.length, count);
  assert.deepEqual(rowsOf(sorted).slice(-2), [
    [1_000, count - 2, count - 2],
    [1_000, count - 1, count - 1],
  ]);
});

test('two names of one series, in one batch, make one run: sorted, each time once, arrivals apart', () => {
  const points = [
    { series: 1, time: 3, value: 1 },
    { series: 2, time: 1, value: 2 },
    { series: 1, time: null, value: 3 },
    { series: 2, time: 3, value: 4 },
    { series: 2, time: null, value: 5 },
  ];
  const batch = batchOf(points);
  for (const series of batch.series) series.id = 7;
  const sorted = sortRows(batch, 'keep_first');
  assert.deepEqual(rowsOf(sorted), [
    [7, 0, 3],
    [7, 1, 2],
    [7, 2, 5],
    [7, 3, 1],
  ]);
  assert.deepEqual([sorted.conflict, sorted.series.length, [...sorted.start]], [1, 1, [0, 4]]);
});

test('property: columns of messages, copied as a whole where they can be, end like their points one by one', () => {
  const room = new RowRoom();
  const columnArbitrary = fc.record({
    series: fc.integer({ min: 0, max: 2 }),
    from: fc.integer({ min: 0, max: 60 }),
    length: fc.integer({ min: 1, max: 40 }),
    isReversed: fc.boolean(),
    repeat: fc.boolean(),
    arrives: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(columnArbitrary, { maxLength: 6 }),
      onDuplicateArbitrary,
      fc.integer({ min: -1, max: 30 }),
      (columns, onDuplicate, cut) => {
        const points = columns.flatMap(({ series, from, length, isReversed, repeat, arrives }, column) => {
          const times: (number | null)[] = Array.from({ length }, (_, row) => from + row);
          if (isReversed) times.reverse();
          if (repeat) times.push(times.at(-1) as number);
          if (arrives) times.splice(length >> 1, 0, null);
          return times.map((time, row) => ({ series, time, value: column * 100 + row }));
        });
        // With a key of a series before each time, no two points follow one another.
        const apart = points.flatMap((one) => [{ series: 3, time: null, value: 0 }, one]);
        const sorted = sortRows(batchOf(points), onDuplicate, NEW_YEAR + cut, room);
        const expected = sortRows(batchOf(apart), onDuplicate, NEW_YEAR + cut);
        const others = rowsOf(expected).filter(([id]) => id !== 997);
        assert.deepEqual(rowsOf(sorted), others);
        const taken = (one: SortedRows) => [one.duplicate, one.conflict];
        assert.deepEqual(taken(sorted), taken(expected));
        assert.deepEqual(
          [...sorted.arrival.subarray(0, sorted.length)],
          [...expected.arrival.subarray(0, expected.length)].slice(-sorted.length || expected.length),
        );
      },
    ),
  );
});
