import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpooledBatch, SpooledMessage } from '../../src/pipeline/spool-types.ts';
import type { LedgerEntry, SessionStore } from '../../src/pipeline/types.ts';
import { spooledEntries, spooledSessions } from '../../src/spooled-sessions.ts';
import { MemorySpool } from '../support/memory-spool.ts';

const APART = { ignored: 0, dropped: 0, droppedPoints: 0 };

function entry(epoch: number, ordinal: number): LedgerEntry {
  return {
    epoch,
    ordinal,
    packetId: (ordinal % 65_535) + 1,
    topicDigest: 1,
    payloadDigest: 2,
    duplicate: false,
  };
}

function record(epoch: number | null, ...identities: LedgerEntry[]): SpooledBatch {
  const messages = identities.map(
    ({ duplicate, ...identity }): SpooledMessage => ({
      topic: 'a',
      payload: new Uint8Array(),
      qos: 1,
      retain: false,
      duplicate,
      packetId: identity.packetId,
      receivedAt: 0,
      identity,
      backlog: false,
    }),
  );
  return { id: 'x', epoch, messages, decoded: 0, apart: APART };
}

async function* each(records: readonly SpooledBatch[]): AsyncGenerator<SpooledBatch> {
  yield* records;
}

function store(
  epoch: number,
  entries: LedgerEntry[],
  begin: SessionStore['begin'] = async () => {},
): SessionStore {
  return {
    load: async () => ({ epoch, entries, filters: [] }),
    begin,
    subscribed: async () => {},
    forget() {},
  };
}

async function load(
  stored: SessionStore,
  ...records: SpooledBatch[]
): Promise<{ epoch: number; ordinals: number[] }> {
  const left = await spooledEntries(each(records));
  const { epoch, entries } = await spooledSessions(stored, new MemorySpool(), left, () => {}).load();
  return { epoch, ordinals: entries.map(({ ordinal }) => ordinal) };
}

test('what the spool settled counts with what the database knows, each once and in order', async () => {
  assert.deepEqual(
    await load(
      store(3, [entry(3, 4), entry(3, 1)]),
      record(3, entry(3, 2), entry(3, 4)),
      record(3, entry(3, 5)),
    ),
    { epoch: 3, ordinals: [1, 2, 4, 5] },
  );
});

test('the greatest epoch counts alone, wherever it is', async () => {
  assert.deepEqual(await load(store(3, [entry(3, 1)]), record(3, entry(3, 2)), record(4)), {
    epoch: 4,
    ordinals: [],
  });
  assert.deepEqual(await load(store(5, [entry(5, 1)]), record(4, entry(4, 2))), { epoch: 5, ordinals: [1] });
  assert.deepEqual(await load(store(3, []), record(4, entry(3, 9), entry(4, 0))), {
    epoch: 4,
    ordinals: [0],
  });
});

test('an epoch begins in the database; in the spool where that does not do it in time', async (context) => {
  const spool = new MemorySpool();
  const left = { epoch: 0, entries: [] };
  let appended = 0;
  const open = (begin: SessionStore['begin']) =>
    spooledSessions(store(1, [], begin), spool, left, () => appended++);
  await open(async () => {}).begin(2);
  assert.equal(spool.records.length, 0);
  await open(() => Promise.reject(new Error('away'))).begin(3);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const hanging = open(() => new Promise(() => {})).begin(4);
  context.mock.timers.tick(1_000);
  await hanging;
  assert.deepEqual([spool.records.map(({ epoch }) => epoch), appended], [[3, 4], 2]);
  spool.fault = 'failed';
  await assert.rejects(open(() => Promise.reject(new Error('away'))).begin(5), { name: 'SpoolError' });
});
