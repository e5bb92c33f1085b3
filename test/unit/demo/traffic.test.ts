import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedMessage } from '../../../src/demo/simulator.ts';
import { sendTraffic } from '../../../src/demo/traffic.ts';

const DEVICES = { devices: 2, metrics: ['temperature'], shape: 'message', seed: 1 } as const;
const never = new AbortController().signal;

function timesOf(messages: readonly SimulatedMessage[]): string[] {
  return messages.map(({ payload }) => (JSON.parse(payload) as { timestamp: string }).timestamp);
}

test('sends as many as are wanted, each with a later time', async () => {
  const messages: SimulatedMessage[] = [];
  const sent = await sendTraffic(
    {
      ...DEVICES,
      rate: 0,
      count: 250,
      now: () => 5_000_000,
      publish: async (message) => {
        messages.push(message);
      },
    },
    never,
  );
  assert.equal(sent, 250);
  assert.equal(messages.length, 250);
  const times = timesOf(messages);
  assert.equal(times[0], '1970-01-01T00:00:05.000000Z');
  assert.equal(times[249], '1970-01-01T00:00:05.000249Z');
  assert.equal(new Set(times).size, 250);
});

test('waits for the publisher before the next one', async () => {
  let open = 0;
  const publish = async () => {
    assert.equal(++open, 1);
    await Promise.resolve();
    open--;
  };
  assert.equal(await sendTraffic({ ...DEVICES, rate: 0, count: 10, publish }, never), 10);
});

test('keeps the pace: what is due by the clock is sent, and no more', async () => {
  const stop = new AbortController();
  let time = 0;
  let sent = 0;
  let before: number | null = null;
  const now = () => {
    // Asked twice without a message between: it waits for the clock.
    if (sent === before) {
      assert.equal(sent, Math.floor((time / 1e6) * 100) + 1);
      time += 50_000;
      if (time > 400_000) stop.abort();
    }
    // The first question is when it starts.
    before = before === null ? -1 : sent;
    return time;
  };
  const publish = async () => {
    sent++;
  };
  await sendTraffic({ ...DEVICES, rate: 100, count: Number.POSITIVE_INFINITY, now, publish }, stop.signal);
  assert.ok(sent > 40);
});

test('makes up for a second of a long pause at most', async () => {
  const stop = new AbortController();
  let asked = 0;
  let sent = 0;
  let before = -1;
  const now = () => {
    if (asked++ === 0) return 0;
    if (sent === before) stop.abort();
    before = sent;
    return 3_600e6;
  };
  const publish = async () => {
    sent++;
  };
  await sendTraffic({ ...DEVICES, rate: 100, count: Number.POSITIVE_INFINITY, now, publish }, stop.signal);
  assert.equal(sent, 101);
});

test('ends when it is told to', async () => {
  const stop = new AbortController();
  const publish = async () => stop.abort();
  const endless = { ...DEVICES, rate: 0.001, count: Number.POSITIVE_INFINITY, publish };
  assert.equal(await sendTraffic(endless, stop.signal), 1);
  assert.equal(await sendTraffic(endless, AbortSignal.abort()), 0);
});
