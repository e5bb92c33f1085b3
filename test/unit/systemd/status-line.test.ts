import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusLine } from '../../../src/systemd/status-line.ts';

const flow = { messages: 12_000, points: 48_000, inHand: 320, spooled: 0 };

test('a daemon at work says its rates', () => {
  const before = { flow: { ...flow, messages: 0, points: 47_991 }, seconds: 10 };
  assert.equal(
    statusLine({ troubles: [], flow, before, note: null }),
    'Ready; 1,200 messages/s received; 0.9 points/s stored; 320 points in hand',
  );
});

test('what is wrong stands first, what is to be known last; rates need a before', () => {
  assert.equal(
    statusLine({
      troubles: ['broker not connected', 'database away'],
      flow: { ...flow, spooled: 17 },
      before: null,
      note: 'the configuration was not reloaded: a mistake',
    }),
    'Not ready: broker not connected; database away; 320 points in hand; 17 messages in the spool; the configuration was not reloaded: a mistake',
  );
  assert.equal(statusLine({ troubles: [], flow: null, before: null, note: null }), 'Ready');
});
