import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { clientOf, RateLimit } from '../../../src/http/rate-limit.ts';

test('a minute of requests at once, then one by one as the allowance refills', () => {
  let now = 1_000;
  const limit = new RateLimit(60, () => now);
  for (let asked = 0; asked < 60; asked++) assert.equal(limit.take('a'), 0);
  assert.equal(limit.take('a'), 1_000);
  assert.equal(limit.take('a'), 1_000, 'asking in vain costs nothing');
  assert.equal(limit.take('b'), 0, 'another client has an allowance of its own');
  now += 999;
  assert.equal(limit.take('a'), 1);
  now += 1;
  assert.equal(limit.take('a'), 0);
  assert.equal(limit.take('a'), 1_000);
});

test('in no time does a client get more than a minute of requests and what refilled', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 }),
      (perMinute, pauses) => {
        let now = 0;
        const limit = new RateLimit(perMinute, () => now);
        const taken: number[] = [];
        for (const pause of pauses) {
          now += pause;
          if (limit.take('a') === 0) taken.push(now);
        }
        for (const [first, from] of taken.entries()) {
          for (let last = first; last < taken.length; last++) {
            // A millisecond is what it does not look at.
            const span = (taken[last] as number) - from + 1;
            assert.ok(last - first + 1 <= perMinute + (span * perMinute) / 60_000 + 1e-6);
          }
        }
      },
    ),
  );
});

test('who waits as long as told is let in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 50 }), (perMinute, more) => {
      let now = 0;
      const limit = new RateLimit(perMinute, () => now);
      for (let asked = 0; asked < perMinute; asked++) limit.take('a');
      for (let asked = 0; asked < more; asked++) {
        const wait = limit.take('a');
        assert.ok(wait > 0);
        now += Math.ceil(wait);
        assert.equal(limit.take('a'), 0);
      }
    }),
    { numRuns: 30 },
  );
});

test('fractions of a millisecond cost nobody a request', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (most, now) => {
        const limit = new RateLimit(most, () => now);
        for (let asked = 0; asked < most; asked++) assert.equal(limit.take('a'), 0);
        assert.ok(limit.take('a') > 0);
      },
    ),
  );
});

test('a flood of addresses does not push out who asks all the time, and is not kept', () => {
  const limit = new RateLimit(2, () => 0);
  limit.take('a');
  limit.take('a');
  for (let index = 0; index < 30_000; index++) {
    limit.take(`flood ${index}`);
    if (index % 5_000 === 0) assert.ok(limit.take('a') > 0, 'still has nothing left');
  }
  assert.equal(limit.take('flood 0'), 0);
});

test('addresses of one IPv6 network are one client', () => {
  assert.equal(clientOf('192.0.2.7'), '192.0.2.7');
  assert.equal(clientOf('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(clientOf('2001:db8:1:2::7'), clientOf('2001:db8:1:2:ffff:0:1:7'));
  assert.notEqual(clientOf('2001:db8:1:2::7'), clientOf('2001:db8:1:3::7'));
  assert.equal(clientOf('2001:db8::1'), clientOf('2001:db8:0:0:9::'));
  assert.equal(clientOf('fe80::1%eth0'), clientOf('fe80::2%eth1'));
  assert.equal(clientOf('::1'), '0:0:0:0');
});
