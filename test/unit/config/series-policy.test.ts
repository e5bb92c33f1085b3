import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { yamlFile } from './yaml-file.ts';

const env = { TIDEGATE_DATABASE_URL: 'postgres://localhost/db' };

function seriesOf(t: TestContext, items: string) {
  return loadConfig({ file: yamlFile(t, `policies: {series: ${items}}`), env }).policies.series;
}

test('an item that says nothing is the general policy of all series', (t) => {
  assert.deepEqual(seriesOf(t, '[{}]'), [
    {
      route: null,
      device_id: '*',
      metric_name: '*',
      aggregates: true,
      retention: null,
      counter_tolerance: 0,
      counter_rollover: null,
      longest_hold: null,
    },
  ]);
});

test('durations are milliseconds, numbers are numbers', (t) => {
  const [item] = seriesOf(
    t,
    '[{metric_name: "*_total", retention: 90 days, counter_tolerance: 0.5, counter_rollover: 4294967296, longest_hold: 90s, aggregates: false}]',
  );
  assert.equal(item?.metric_name, '*_total');
  assert.equal(item?.retention, 90 * 86_400_000);
  assert.equal(item?.counter_tolerance, 0.5);
  assert.equal(item?.counter_rollover, 2 ** 32);
  assert.equal(item?.longest_hold, 90_000);
  assert.equal(item?.aggregates, false);
});

test('the list can be a variable', () => {
  const variables = { ...env, TIDEGATE_POLICIES_SERIES: '[{"device_id": "meter-*"}]' };
  assert.equal(loadConfig({ env: variables }).policies.series[0]?.device_id, 'meter-*');
});

const WRONG: readonly (readonly [item: string, complaint: RegExp])[] = [
  ['{retention: 23h}', /retention is "23h"; allowed: a duration .*at least 1 day/],
  ['{retention: soon}', /retention is "soon"; allowed: a duration/],
  ['{retention: 99999d}', /retention is "99999d"; allowed: .*at most 36500d/],
  ['{longest_hold: 0}', /longest_hold is "0"; allowed: a duration .*at least 1s/],
  ['{counter_tolerance: -1}', /counter_tolerance is "-1"; allowed: a number from 0 on/],
  ['{counter_rollover: 0}', /counter_rollover is "0"; allowed: a number greater than 0/],
  ['{counter_rollover: Infinity}', /counter_rollover is "Infinity"; allowed/],
  ['{metric: x}', /metric is not a known key; the nearest one is metric_name/],
];

for (const [item, complaint] of WRONG) {
  test(`refused: ${item}`, (t) => {
    assert.throws(() => seriesOf(t, `[${item}]`), { message: complaint });
  });
}
