import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt } from '../../../src/doctor/attempt.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { TidegateError } from '../../../src/errors.ts';

test('what does not answer becomes a finding that says what to look at', async () => {
  const findings: Finding[] = [];
  const refused = () => Promise.reject(new TidegateError('database_refused', 'db:5432/iot: wrong password'));
  assert.equal(await attempt('server', 'connection', findings, refused), null);
  assert.equal(await attempt('broker', 'connection', findings, async () => 1), 1);
  assert.equal(findings.length, 1);
  const [{ is, why, level }] = findings as [Finding];
  assert.match(is, /db:5432\/iot: wrong password/);
  assert.match(why, /database_refused.*user, password and database in database\.url/);
  assert.equal(level, 'problem');
  await assert.rejects(
    attempt('server', 'x', findings, () => Promise.reject(new TypeError('a mistake of ours'))),
    TypeError,
  );
});
