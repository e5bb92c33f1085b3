import assert from 'node:assert/strict';
import { test } from 'node:test';
import { azureEventGrid } from '../../../../src/decode/presets/azure-event-grid.ts';
import { become, pointsOf } from './preset-points.ts';

const PRESET = { preset: 'azure_event_grid', topic: 'azure/#' };

// https://learn.microsoft.com/azure/event-grid/mqtt-routing-event-schema
test('data, plain and in base64, under the topic of the device and the time of the service', () => {
  const time = '2019-11-18T15:13:39.458925Z';
  for (const { topic, payload } of azureEventGrid.examples) {
    assert.deepEqual(pointsOf(PRESET, topic, payload), [
      ['campus/buildings/building17', 'Temp', 70, time],
      ['campus/buildings/building17', 'humidity', 40, time],
    ]);
  }
});

test('an event without data is no silence', () => {
  const payload = '{"specversion":"1.0","subject":"a","time":"2019-11-18T15:13:39Z"}';
  assert.match(become(PRESET, 'azure/events', payload).rejections[0] ?? '', /^value_missing/);
});
