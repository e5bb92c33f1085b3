import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Pressure } from '../../../src/pipeline/pressure.ts';
import { silent } from './ports.ts';

const OPTIONS = { maxPoints: 100, maxBytes: 1_000, maxPause: 15_000 };

/** A source that writes down what it is told. */
function start(context: TestContext): { pressure: Pressure; told: string[]; elapse: (ms: number) => void } {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const source = {
    start: () => Promise.resolve(),
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    disconnect: (reason: string) => told.push(`disconnect: ${reason}`),
    reconnect: () => told.push('reconnect'),
    stopReceiving: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const pressure = new Pressure(source, OPTIONS, silent, () => told.push('relief'));
  return { pressure, told, elapse: (ms) => context.mock.timers.tick(ms) };
}

test('takes all below both bounds', (context) => {
  const { pressure, told } = start(context);
  pressure.update(99, 999);
  assert.equal(pressure.state, 'open');
  assert.equal(pressure.takesQos0, true);
  assert.deepEqual(told, []);
});

test('full of points, reading pauses until there is room', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(100, 10);
  assert.deepEqual(told, ['pause']);
  assert.equal(pressure.takesQos0, true, 'what was read already is taken');
  pressure.update(75, 10);
  assert.deepEqual(told, ['pause'], 'not yet: it would stop again at once');
  pressure.update(74, 10);
  assert.deepEqual(told, ['pause', 'resume', 'relief']);
  assert.equal(pressure.state, 'open');
  elapse(60_000);
  assert.equal(told.length, 3, 'the timer is gone');
});

test('after a quarter of the keepalive reading goes on and QoS 0 is dropped', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(100, 10);
  elapse(14_999);
  assert.deepEqual(told, ['pause']);
  elapse(1);
  assert.deepEqual(told, ['pause', 'resume']);
  assert.equal(pressure.takesQos0, false);
  assert.equal(pressure.state, 'full');
  pressure.update(110, 10);
  pressure.update(80, 10);
  assert.equal(pressure.takesQos0, false);
  pressure.update(74, 749);
  assert.equal(pressure.takesQos0, true);
  assert.deepEqual(told, ['pause', 'resume', 'relief']);
});

test('past the bytes reading pauses, and in the end the broker is left', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(1, 1_000);
  assert.deepEqual(told, ['pause']);
  elapse(15_000);
  assert.deepEqual(told, ['pause', 'disconnect: queue full', 'resume']);
  assert.deepEqual([pressure.state, pressure.takesQos0], ['away', false]);
});

test('comes back to the broker at half of the bytes', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(1, 1_000);
  elapse(15_000);
  pressure.update(1, 500);
  assert.equal(pressure.state, 'away');
  pressure.update(50, 499);
  assert.equal(pressure.state, 'away', 'half of the points, too');
  pressure.update(49, 499);
  assert.deepEqual(told.slice(3), ['reconnect', 'relief']);
  assert.equal(pressure.state, 'open');
});

test('while QoS 0 is dropped, QoS 1 may still fill the bytes', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(100, 10);
  elapse(15_000);
  pressure.update(100, 1_000);
  assert.deepEqual(told, ['pause', 'resume', 'pause']);
  elapse(15_000);
  assert.deepEqual(told.slice(3), ['disconnect: queue full', 'resume']);
});

test('a pause that a write ends in time drops nothing', (context) => {
  const { pressure, told, elapse } = start(context);
  for (let round = 0; round < 3; round++) {
    pressure.update(100, 10);
    elapse(10_000);
    pressure.update(0, 0);
  }
  assert.deepEqual(told, Array.from({ length: 3 }, () => ['pause', 'resume', 'relief']).flat());
});

test('stopped, reading goes on and the source is told nothing any more', (context) => {
  const { pressure, told, elapse } = start(context);
  pressure.update(1, 1_000);
  pressure.stop();
  elapse(60_000);
  pressure.update(1, 2_000);
  pressure.update(0, 0);
  elapse(60_000);
  assert.deepEqual(told, ['pause', 'resume']);
  assert.equal(pressure.state, 'open');
});
