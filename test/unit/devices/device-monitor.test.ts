import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { randomFrom } from '../../support/random.ts';
import { Watched } from './watched.ts';

test('eight messages teach a cadence; three of its intervals without one are silence, the next one is its end', () => {
  const watched = new Watched();
  watched.publish('a', 7, 30);
  assert.equal(watched.stateOf('a'), 'learning');
  watched.pass(30);
  watched.hear('a');
  watched.pass(89);
  assert.deepEqual([watched.stateOf('a'), watched.learned, watched.silent], ['ok', ['a'], []]);
  assert.equal(watched.monitor.find('a')?.expectedInterval, 30);
  watched.pass(3);
  assert.deepEqual([watched.stateOf('a'), watched.silent], ['silent', ['a']]);
  watched.pass(1_000);
  assert.deepEqual(watched.silent, ['a'], 'it is said once');
  watched.hear('a');
  watched.pass(1);
  assert.deepEqual([watched.stateOf('a'), watched.back], ['ok', ['a']]);
});

test('no device is silent sooner than after the minimum', () => {
  const watched = new Watched({ silentAfterMin: 60_000 });
  watched.publish('a', 20, 2);
  watched.pass(59);
  assert.deepEqual(watched.silent, []);
  watched.pass(2);
  assert.deepEqual(watched.silent, ['a']);
});

test('a device that published once stays learning', () => {
  const watched = new Watched();
  watched.hear('a');
  watched.pass(100_000);
  assert.deepEqual([watched.stateOf('a'), watched.silent], ['learning', []]);
});

test('messages within a second are one; ten a second are a cadence of a second', () => {
  const watched = new Watched();
  for (let burst = 0; burst < 10; burst++) {
    for (let part = 0; part < 5; part++) watched.hear('a');
    watched.pass(60);
  }
  assert.equal(watched.monitor.find('a')?.expectedInterval, 60);
  assert.equal(watched.monitor.find('a')?.messages, 50);
  for (let part = 0; part < 200; part++) {
    watched.hear('b');
    watched.pass(0.1);
  }
  const cadence = watched.monitor.find('b')?.expectedInterval as number;
  assert.ok(cadence >= 1 && cadence <= 1.11, `${cadence}`);
});

test('what waited somewhere is no sign of life', () => {
  const watched = new Watched();
  watched.publish('a', 10, 30);
  watched.pass(200);
  assert.equal(watched.stateOf('a'), 'silent');
  for (const more of [{ retain: true }, { backlog: true }, { duplicate: true }]) watched.hear('a', more);
  watched.hear('b', { retain: true });
  watched.pass(1);
  assert.deepEqual([watched.stateOf('a'), watched.stateOf('b'), watched.back], ['silent', null, []]);
});

test('while nothing can be heard nothing falls silent, and after it each device has an interval and a half', () => {
  const watched = new Watched();
  watched.publish('a', 10, 100);
  watched.pass(290);
  watched.line = null;
  watched.pass(86_400);
  assert.deepEqual(watched.silent, []);
  watched.line = 1;
  watched.pass(145);
  assert.deepEqual(watched.silent, [], 'although 300 s of listening are over');
  watched.pass(10);
  assert.deepEqual(watched.silent, ['a']);
});

test('an interval that an outage of ours lies in teaches nothing', () => {
  const watched = new Watched();
  watched.publish('a', 10, 100);
  for (let round = 0; round < 16; round++) {
    watched.pass(10);
    watched.line = null;
    watched.pass(500);
    watched.line = round + 1;
    watched.pass(10);
    watched.hear('a');
  }
  assert.equal(watched.monitor.find('a')?.expectedInterval, 100);
});

test('a clock of the wall that jumps moves nothing', () => {
  const watched = new Watched();
  watched.publish('a', 8, 30);
  watched.jump(86_400);
  watched.pass(30);
  watched.hear('a');
  watched.jump(-10 * 86_400);
  watched.pass(30);
  watched.hear('a');
  assert.deepEqual([watched.stateOf('a'), watched.silent], ['ok', []]);
  assert.equal(watched.monitor.find('a')?.expectedInterval, 30);
});

test('a restart knows its devices, and its own downtime is not their silence', () => {
  const before = new Watched();
  before.publish('a', 10, 30);
  before.publish('b', 10, 30);
  before.pass(100);
  before.publish('a', 1, 0);
  before.hear('c');
  const records = before.monitor.takeChanged(10);
  assert.deepEqual(
    records.map(({ deviceId, state }) => [deviceId, state]),
    [
      ['a', 'ok'],
      ['b', 'silent'],
      ['c', 'learning'],
    ],
  );
  const after = new Watched();
  after.monitor.restore(records);
  after.pass(59);
  assert.deepEqual(after.silent, []);
  after.hear('b');
  after.pass(2);
  assert.deepEqual([after.silent, after.back], [['a'], ['b']], 'b was silent before');
  assert.equal(after.monitor.find('a')?.messages, 11);
});

test('the skew is the median of what the latest messages say of their time', () => {
  const watched = new Watched();
  for (let time = 0; time < 20; time++) {
    watched.pass(10);
    // Every fifth carries a time of long ago.
    watched.hear('a', {}, watched.wall - (time % 5 === 0 ? 1e9 : 2) * 1e6);
    watched.hear('b');
  }
  assert.ok(Math.abs((watched.monitor.find('a')?.clockSkew as number) - 2) < 0.001);
  assert.equal(watched.monitor.find('b')?.clockSkew, null);
});

test('what changed is written once, states first, the others in turn', () => {
  const watched = new Watched({ limit: 1_000 });
  for (let device = 0; device < 500; device++) watched.hear(`d${device}`);
  watched.publish('late', 8, 30);
  const names = () => watched.monitor.takeChanged(100).map(({ deviceId }) => deviceId);
  const first = names();
  assert.equal(first[0], 'late');
  const all = [first, names(), names(), names(), names(), names()].flat();
  assert.equal(new Set(all).size, 501);
  assert.equal(all.length, 501);
  assert.deepEqual(names(), []);
  watched.monitor.putBack([...watched.monitor.takeChanged(1)]);
  watched.hear('d7');
  const again = watched.monitor.takeChanged(100);
  assert.deepEqual(
    again.map(({ deviceId }) => deviceId),
    ['d7'],
  );
  watched.monitor.putBack(again);
  assert.deepEqual(names(), ['d7']);
});

test('a record that no series belongs to is tried for a minute', () => {
  const watched = new Watched();
  watched.hear('a');
  const records = watched.monitor.takeChanged(10);
  watched.monitor.putBackRecent(records);
  assert.equal(watched.monitor.takeChanged(10).length, 1);
  watched.pass(61);
  watched.monitor.putBackRecent(records);
  assert.deepEqual(watched.monitor.takeChanged(10), []);
});

test('deleted, renamed and merged devices are followed', () => {
  const watched = new Watched();
  for (let time = 0; time < 8; time++) {
    watched.pass(20);
    for (const device of ['gone', 'old', 'from', 'into']) watched.hear(device);
  }
  const nothing = { aliases: null, deleted: [] };
  assert.deepEqual(watched.monitor.correct(nothing), []);
  const aliases = new Map([
    ['old', 'new'],
    ['from', 'into'],
    ['never', 'seen'],
  ]);
  assert.deepEqual(watched.monitor.correct({ aliases, deleted: ['gone'] }), ['gone', 'old', 'from']);
  assert.deepEqual(
    ['gone', 'old', 'new', 'from', 'into'].map((device) => watched.stateOf(device)),
    [null, null, 'ok', null, 'ok'],
  );
  watched.pass(30);
  assert.deepEqual(watched.learned.slice(4), ['new'], 'so that it is told under its new name');
  watched.hear('old');
  watched.hear('gone');
  assert.equal(watched.stateOf('old'), null);
  assert.equal(watched.stateOf('gone'), 'learning', 'it begins anew');
  watched.pass(70);
  assert.deepEqual(watched.silent.toSorted(), ['into', 'new']);
});

test('beyond the limit devices are not watched, until others make room', () => {
  const watched = new Watched({ limit: 3 });
  watched.publish('a', 10, 30);
  for (const device of ['b', 'c', 'd', 'e']) watched.hear(device);
  assert.deepEqual(
    [watched.stateOf('c'), watched.stateOf('d'), watched.monitor.unwatched],
    ['learning', null, 2],
  );
  watched.pass(4_000);
  watched.hear('d');
  assert.equal(watched.stateOf('d'), 'learning');
  assert.equal(watched.stateOf('a'), 'silent', 'one that was learned stays');
  assert.deepEqual(watched.monitor.counts(), { learning: 1, ok: 0, silent: 1 });
});

test('property: with jitter below the factor a device that goes on is never silent, and one that stops always is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 600 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (period, jitter, seed) => {
        const watched = new Watched();
        const random = randomFrom(seed);
        for (let time = 0; time < 60; time++) {
          watched.hear('a');
          watched.pass(period * (1 + jitter * (random() * 2 - 1)));
        }
        watched.hear('a');
        assert.deepEqual(watched.silent, []);
        const cadence = watched.monitor.find('a')?.expectedInterval as number;
        assert.ok(cadence > period * (1 - jitter) * 0.99 && cadence < period * (1 + jitter) * 1.01);
        watched.pass(period * 3 * (1 + jitter) + 61);
        assert.deepEqual(watched.silent, ['a']);
      },
    ),
    { numRuns: 40 },
  );
});

test('over many devices with 40 % of jitter the learned cadence is within 20 % of the true one', () => {
  const random = randomFrom(20_260_101);
  let outside = 0;
  for (let device = 0; device < 500; device++) {
    const watched = new Watched();
    const period = 20 + random() * 200;
    for (let time = 0; time < 40; time++) {
      watched.hear('a');
      watched.pass(period * (1 + 0.4 * (random() * 2 - 1)));
    }
    const cadence = watched.monitor.find('a')?.expectedInterval as number;
    if (Math.abs(cadence / period - 1) > 0.2) outside++;
  }
  assert.ok(outside <= 25, `${outside} of 500`);
});
