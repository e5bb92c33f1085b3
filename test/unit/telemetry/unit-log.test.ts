import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitLog } from '../../../src/telemetry/unit-log.ts';
import { silent } from '../pipeline/ports.ts';

test('a changed unit is told once; of many, one in a while with how many', () => {
  const told: object[] = [];
  let now = 0;
  const log = unitLog({ ...silent, warn: (fields) => void told.push(fields) }, () => now);
  const change = { deviceId: 'd', metricName: 'm', before: 'Cel', after: 'K' };
  log(change);
  now = 5_000;
  log(change);
  now = 10_000;
  log({ ...change, deviceId: 'e' });
  assert.deepEqual(told, [
    { device_id: 'd', metric_name: 'm', before: 'Cel', after: 'K' },
    { device_id: 'e', metric_name: 'm', before: 'Cel', after: 'K', changes: 2 },
  ]);
});
