import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpoolStatus } from '../../src/pipeline/spool-types.ts';
import { readiness } from '../../src/readiness.ts';
import { IDLE } from '../support/pipeline-states.ts';

const NOW = 1_767_225_600_000_000;
const EMPTY: SpoolStatus = {
  batches: 0,
  messages: 0,
  points: 0,
  bytes: 0,
  maxBytes: 1_000,
  oldestAt: null,
  fault: null,
  damaged: { records: 0, bytes: 0 },
};

function spoolCheck(spool: SpoolStatus | null): { ok: boolean; detail: string } | undefined {
  return (
    readiness(null, null, { ...IDLE, spool }, NOW).checks as Record<string, { ok: boolean; detail: string }>
  )['spool'];
}

test('without a spool it is not asked for; one that holds messages is fine and says how many', () => {
  assert.equal(spoolCheck(null), undefined);
  assert.deepEqual(spoolCheck(EMPTY), { ok: true, detail: 'empty' });
  assert.deepEqual(
    spoolCheck({ ...EMPTY, batches: 2, messages: 5, bytes: 400, oldestAt: NOW - 90_000_000 }),
    {
      ok: true,
      detail: '2 batches, 400 of 1000 bytes, the oldest message waits for 90 s',
    },
  );
});

test('one that is full, or failed, is not', () => {
  assert.equal(spoolCheck({ ...EMPTY, batches: 2, bytes: 1_000 })?.ok, false);
  assert.deepEqual(spoolCheck({ ...EMPTY, fault: 'no space left on device' }), {
    ok: false,
    detail: 'no space left on device',
  });
});
