import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { OnDuplicate } from '../../../src/postgres/rows.ts';
import { rememberLatest, textRows } from '../../../src/postgres/text-rows.ts';
import { batches, message, NEW_YEAR, type TestMessage } from '../pipeline/messages.ts';

const ARRIVED = Number.NaN;

/** A text at so many microseconds after the new year; ARRIVED is the arrival, at the new year itself. */
function text(time: number, value: string, changesOnly = true, series = 'a'): TestMessage {
  return message((out) => out.text(series, 'x', NEW_YEAR + time, value, changesOnly));
}

/** Writes batches one after the other to a table that keeps every key once; returns its rows and the counts. */
function writer(onDuplicate: OnDuplicate): {
  write: (...messages: TestMessage[]) => { unchanged: number; duplicate: number; conflict: number };
  stored: () => string[];
} {
  const next = batches();
  const table = new Map<number, string>();
  return {
    write: (...messages) => {
      const batch = next(...messages);
      for (const [index, series] of batch.series.entries()) series.id = index + 1;
      const { rows, latest, ...counts } = textRows(batch, onDuplicate);
      for (const { timestamp, value, arrival } of rows) {
        let time = timestamp - NEW_YEAR;
        if (arrival) while (table.has(time)) time++;
        if (onDuplicate === 'keep_last' || !table.has(time)) table.set(time, value);
      }
      rememberLatest(latest);
      return counts;
    },
    stored: () =>
      [...table].sort(([left], [right]) => left - right).map(([time, value]) => `${time} ${value}`),
  };
}

test('stores changes only, within a batch and across batches', () => {
  const { write, stored } = writer('keep_first');
  assert.equal(write(text(0, 'on'), text(1, 'on'), text(2, 'off'), text(3, 'off')).unchanged, 2);
  assert.equal(write(text(4, 'off'), text(5, 'on')).unchanged, 1);
  assert.deepEqual(stored(), ['0 on', '2 off', '5 on']);
});

test('stores repetitions where the route asks for all', () => {
  const { write, stored } = writer('keep_first');
  assert.equal(write(text(0, 'on', false), text(1, 'on', false)).unchanged, 0);
  assert.deepEqual(stored(), ['0 on', '1 on']);
});

test('a text older than the latest is stored: it may be a change of its time', () => {
  const { write, stored } = writer('keep_first');
  write(text(10, 'on'));
  assert.equal(write(text(5, 'on')).unchanged, 0);
  assert.equal(write(text(11, 'on')).unchanged, 1);
  assert.deepEqual(stored(), ['5 on', '10 on']);
});

test('texts without a time of their own that arrive together are stored one after the other', () => {
  const { write, stored } = writer('keep_first');
  write(text(ARRIVED, 'on'), text(ARRIVED, 'off'), text(ARRIVED, 'off'), text(ARRIVED, 'on'));
  write(text(ARRIVED, 'off'));
  assert.equal(write(text(ARRIVED, 'off')).unchanged, 1);
  assert.deepEqual(stored(), ['0 on', '1 off', '2 on', '3 off']);
  assert.equal(write(text(1_000, 'on')).unchanged, 0, 'the latest is off, whatever came in one millisecond');
});

test('another text under a taken key: the first stays the latest, or the last', () => {
  for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
    for (const together of [true, false]) {
      const { write, stored } = writer(onDuplicate);
      if (together) assert.equal(write(text(0, 'on'), text(0, 'off')).conflict, 1);
      else {
        write(text(0, 'on'));
        write(text(0, 'off'));
      }
      write(text(1, 'off'), text(2, 'on'));
      const expected = onDuplicate === 'keep_first' ? ['0 on', '1 off', '2 on'] : ['0 off', '2 on'];
      assert.deepEqual(stored(), expected, `${onDuplicate}, ${together ? 'one batch' : 'two batches'}`);
    }
  }
});

test('the same text under a taken key is a duplicate', () => {
  const { write } = writer('keep_first');
  const counts = write(text(0, 'on', false), text(0, 'on', false), text(0, 'on'));
  assert.deepEqual([counts.duplicate, counts.conflict, counts.unchanged], [2, 0, 0]);
});

const textArbitrary = fc.record({
  series: fc.constantFrom('a', 'b'),
  time: fc.option(fc.integer({ min: -2, max: 3 }), { nil: ARRIVED, freq: 3 }),
  value: fc.constantFrom('on', 'off'),
});

test('property: arrivals and timed texts never take the place of one another', () => {
  fc.assert(
    fc.property(fc.array(textArbitrary, { maxLength: 20 }), (texts) => {
      const batch = batches()(...texts.map(({ series, time, value }) => text(time, value, false, series)));
      for (const [index, series] of batch.series.entries()) series.id = 10 - index;
      const { rows, duplicate, conflict, unchanged } = textRows(batch, 'keep_first');
      assert.equal(rows.length + duplicate + conflict + unchanged, texts.length);
      const timed = texts.filter(({ time }) => !Number.isNaN(time));
      const keys = new Set(timed.map(({ series, time }) => `${series} ${time}`));
      assert.equal(rows.filter(({ arrival }) => !arrival).length, keys.size);
      assert.equal(rows.filter(({ arrival }) => arrival).length, texts.length - timed.length);
      const all = rows.map(({ series, timestamp }) => `${series.deviceId} ${timestamp}`);
      assert.equal(new Set(all).size, all.length, 'each key once');
    }),
  );
});

test('property: with changes only, no change is lost and no two neighbours are equal', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.constantFrom('on', 'off', 'idle'), { maxLength: 5 }), { maxLength: 6 }),
      (written) => {
        const { write, stored } = writer('keep_first');
        let time = 0;
        for (const values of written) write(...values.map((value) => text(time++, value)));
        const values = written.flat();
        const changes = values.flatMap((value, index) =>
          value === values[index - 1] ? [] : [`${index} ${value}`],
        );
        assert.deepEqual(stored(), changes);
      },
    ),
  );
});
