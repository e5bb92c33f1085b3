import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localTime, tailJson, tailLines } from '../../../src/commands/tail-line.ts';
import type { ExplainedPoint, Explanation } from '../../../src/decode/explanation.ts';

const POINT: ExplainedPoint = {
  device_id: 'boiler-1',
  metric_name: 'temperature',
  value: 21.5,
  timestamp: '2026-01-31T12:00:00.123456Z',
  kind: 'gauge',
};
const EMPTY: Explanation = {
  route: 'r',
  points: [],
  dead_letter: null,
  rejections: [],
  drops: [],
  units: [],
  passed: [],
};
const REJECTION = { code: 'no_route', detail: 'topic "a\u001B[2J"' } as const;

test('times are local, with microseconds', () => {
  const local = new Date('2026-01-31T12:00:00.123Z');
  assert.equal(Date.parse(localTime(POINT.timestamp).replace(' ', 'T').slice(0, 23)), local.getTime());
  assert.match(localTime(POINT.timestamp), /^2026-\d\d-\d\d \d\d:\d\d:\d\d\.123456$/);
  assert.match(localTime('2026-01-31T12:00:00.123Z'), /\.123000$/);
});

test('a line is a point, texts in quotes', () => {
  const text: ExplainedPoint = { ...POINT, value: '21.5', kind: 'text' };
  const lines = tailLines('t', { ...EMPTY, points: [POINT, text] }, 0, true);
  const time = localTime(POINT.timestamp);
  assert.deepEqual(lines, [`${time}  boiler-1  temperature  21.5`, `${time}  boiler-1  temperature  "21.5"`]);
});

test('a dead letter is red on a terminal only, and cannot steer it', () => {
  const explanation = { ...EMPTY, rejections: [REJECTION] };
  const time = localTime('1970-01-01T00:00:01.000Z');
  const reason = 'no_route: topic "a\\u001b[2J"';
  assert.deepEqual(tailLines('a\u001B[2J', explanation, 1_000_000, true), [
    `${time}  a\\u001b[2J  \u001B[31m${reason}\u001B[39m`,
  ]);
  assert.deepEqual(tailLines('a', explanation, 1_000_000, false), [`${time}  a  ${reason}`]);
});

test('JSON has a point or a dead letter in each line', () => {
  const lines = tailJson('t', { ...EMPTY, points: [POINT], rejections: [REJECTION] });
  const { kind: _, ...point } = POINT;
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { topic: 't', route: 'r', ...point },
      { topic: 't', route: 'r', dead_letter: REJECTION },
    ],
  );
});
