import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'telegraf' };
const TIME = '2016-06-13T17:43:50.100400Z';

// https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
test('lines of any types, under the tag host', () => {
  const line = 'weather,location=us,host=gate temperature=82,humidity=71i,ok=t 1465839830100400200';
  assert.deepEqual(pointsOf(PRESET, 'telegraf/gate/weather', line), [
    ['gate', 'weather.temperature,location=us', 82, TIME],
    ['gate', 'weather.humidity,location=us', 71, TIME],
    ['gate', 'weather.ok,location=us', 1, TIME],
  ]);
  assert.deepEqual(become(PRESET, 'telegraf/gate/weather', line).full[0]?.tags, { location: 'us' });
});

test('the route says which tags are in the name', () => {
  const line = 'disk,path=/,device=sda1,host=a used=1 1465839830100400200';
  assert.deepEqual(pointsOf({ ...PRESET, metric_tags: ['path'] }, 'telegraf/a/disk', line), [
    ['a', 'disk.used,path=/', 1, TIME],
  ]);
});

test('lines without a host are of the device telegraf, as an import has them', () => {
  assert.deepEqual(pointsOf(PRESET, 'telegraf/x', 'mem,area=heap used=5 1465839830100400200'), [
    ['telegraf', 'mem.used,area=heap', 5, TIME],
  ]);
});
