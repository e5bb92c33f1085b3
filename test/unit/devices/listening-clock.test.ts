import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListeningClock } from '../../../src/devices/listening-clock.ts';
import { NEW_YEAR } from '../pipeline/messages.ts';

function clockAt(line: number | null) {
  const world = { now: 50_000, wall: NEW_YEAR, line };
  const clock = new ListeningClock(
    () => world.now,
    () => world.wall,
    () => world.line,
  );
  return { world, clock, pass: (milliseconds: number) => ((world.now += milliseconds), clock.look()) };
}

test('only time in which messages can come counts', () => {
  const { world, clock, pass } = clockAt(null);
  pass(1_000);
  assert.deepEqual([clock.running, clock.time], [false, 0]);
  world.line = 0;
  pass(1_000);
  assert.deepEqual([clock.running, clock.time, clock.since], [true, 0, 0]);
  pass(1_000);
  world.now += 400;
  assert.equal(clock.time, 1_400, 'between two looks too');
  world.line = null;
  pass(600);
  pass(60_000);
  assert.deepEqual([clock.running, clock.time], [false, 2_000]);
  world.line = 1;
  pass(1_000);
  assert.deepEqual([clock.running, clock.time, clock.since], [true, 2_000, 2_000]);
});

test('a connection that was made anew between two looks begins a stretch of its own', () => {
  const { world, clock, pass } = clockAt(0);
  pass(0);
  pass(1_000);
  world.line = 1;
  pass(1_000);
  assert.deepEqual([clock.time, clock.since], [2_000, 2_000]);
});

test('a stall counts for a few seconds at most', () => {
  const { clock, pass } = clockAt(0);
  pass(0);
  pass(3_600_000);
  assert.deepEqual([clock.time, clock.since], [5_000, 0]);
});

test('a receipt is placed by the clock on the wall, which may jump', () => {
  const { world, clock, pass } = clockAt(0);
  assert.equal(clock.timeOf(NEW_YEAR), 0, 'before the first look');
  pass(0);
  pass(1_000);
  assert.deepEqual(
    [0, 400_000, -1e12, 1e12].map((after) => clock.timeOf(NEW_YEAR + after)),
    [1_000, 1_400, 1_000, 3_000],
  );
  world.wall += 3_600e6;
  pass(1_000);
  assert.equal(clock.timeOf(world.wall + 1_000), 2_001);
});
