import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVICTIONS, Evictions } from '../../../src/mqtt/evictions.ts';
import type { Testimony } from '../../../src/mqtt/witness.ts';

/** Witnesses that say one thing, and how many were called and dismissed. */
function evictions(says: Testimony) {
  const calls = { called: 0, dismissed: 0 };
  const witness = {
    call: async () => void calls.called++,
    testify: async () => {
      calls.dismissed++;
      return says;
    },
  };
  return { calls, evictions: new Evictions(() => witness) };
}

async function cut(of: Evictions, soon = true): Promise<Testimony | null> {
  await of.prepare();
  return of.ended(soon);
}

for (const says of ['stands', 'fell', 'refused'] as const) {
  test(`the witness ${says}: asked at the last cut in a row, and called for that alone`, async () => {
    const { calls, evictions: of } = evictions(says);
    for (let cuts = 1; cuts < EVICTIONS; cuts++) assert.equal(await cut(of), null);
    assert.deepEqual(calls, { called: 0, dismissed: 0 });
    assert.equal(await cut(of), says);
    assert.deepEqual(calls, { called: 1, dismissed: 1 });
    assert.equal(await cut(of), null, 'counting begins anew');
  });
}

test('a connection that held sends the witness away and begins anew', async () => {
  const { calls, evictions: of } = evictions('stands');
  for (let cuts = 1; cuts < EVICTIONS; cuts++) await cut(of);
  assert.equal(await cut(of, false), null);
  assert.deepEqual(calls, { called: 1, dismissed: 1 });
  for (let cuts = 1; cuts < EVICTIONS; cuts++) assert.equal(await cut(of), null);
});

test('without a witness the cuts are the network', async () => {
  const { evictions: of } = evictions('stands');
  for (let cuts = 1; cuts < EVICTIONS; cuts++) assert.equal(await of.ended(true), null);
  assert.equal(await of.ended(true), 'fell');
});
