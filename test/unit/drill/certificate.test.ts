import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Certificate, describeCertificate, passes } from '../../../src/drill/certificate.ts';

const GOOD: Certificate = {
  tidegate: '1.2.3',
  postgresql: 'PostgreSQL 18.4',
  engine: 'postgres',
  broker: 'mqtt://localhost:1883',
  started_at: '2026-01-01T00:00:00.000Z',
  seconds: 21.4,
  seed: 7,
  published: 10_000,
  published_with_time: 5_000,
  acknowledged: 10_000,
  stored: 10_000,
  lost: 0,
  duplicates: 0,
  dead_letters: 0,
  kills: 5,
  database_restarts: 1,
  longest_recovery_seconds: 1.234,
};

test('it passes only where all was acknowledged, nothing is lost and nothing is there twice', () => {
  assert.equal(passes(GOOD), true);
  for (const flaw of [
    { lost: 1 },
    { duplicates: 1 },
    { dead_letters: 1 },
    { acknowledged: 9_999 },
    { published: 0, acknowledged: 0 },
  ]) {
    assert.equal(passes({ ...GOOD, ...flaw }), false, JSON.stringify(flaw));
  }
});

test('it says what was done and what was found', () => {
  const text = describeCertificate(GOOD);
  assert.match(text, /^PASSED/);
  assert.match(text, /Tidegate 1\.2\.3, PostgreSQL 18\.4 \(engine postgres\), mqtt:\/\/localhost:1883/);
  assert.match(text, /published +10,000 +5,000 with a time of their own, 5,000 without/);
  assert.match(text, /lost +0$/m);
  assert.match(text, /longest recovery +1\.23 s/);
  assert.match(text, /seed 7/);
  assert.doesNotMatch(text, /max_queued_messages/);
  assert.match(describeCertificate({ ...GOOD, lost: 1 }), /max_queued_messages/);
  assert.match(
    describeCertificate({ ...GOOD, lost: 3, longest_recovery_seconds: null }),
    /^FAILED[^]*lost +3$/m,
  );
});
