import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, makeRoute } from '../decoding.ts';

const ROUTE = makeRoute({
  topic: 'events/#',
  format: 'cloud_event',
  device_id: '$.subject',
  value: '$.data',
  timestamp: '$.time',
});
/** Azure Event Grid's own example: https://learn.microsoft.com/azure/event-grid/mqtt-routing-event-schema */
const ENVELOPE = {
  specversion: '1.0',
  id: '9aeb0fdf-c01e-0131-0922-9eb54906e20',
  time: '2019-11-18T15:13:39.4589254Z',
  type: 'MQTT.EventPublished',
  source: 'testnamespace',
  subject: 'campus/buildings/building17',
};
const TIME = Date.UTC(2019, 10, 18, 15, 13, 39) * 1_000 + 458_925;
const POINTS = [
  ['campus/buildings/building17', 'Temp', TIME, 70, 'gauge'],
  ['campus/buildings/building17', 'humidity', TIME, 40, 'gauge'],
];

const rowsOf = (event: unknown) => decode([ROUTE], 'events/a', JSON.stringify(event));
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('data of JSON, and the same encoded in base64', () => {
  assert.deepEqual(rowsOf({ ...ENVELOPE, data: { Temp: 70, humidity: 40 } }).rows, POINTS);
  const encoded = { ...ENVELOPE, data_base64: base64('{"Temp": 70, "humidity": 40}') };
  assert.deepEqual(rowsOf(encoded).rows, POINTS);
});

test('what cannot be read is rejected with its place or reason', () => {
  const codesOf = (event: unknown) => rowsOf(event).rejects;
  assert.deepEqual(codesOf([1]), [{ code: 'payload_shape', detail: '$: an array of 1, not a CloudEvent' }]);
  for (const wrong of [{}, 'a', '????', 7, null]) {
    const [reject] = codesOf({ ...ENVELOPE, data_base64: wrong });
    assert.equal(reject?.code, 'payload_shape');
    assert.match(reject?.detail ?? '', /^\$\.data_base64: /);
  }
  assert.equal(codesOf({ ...ENVELOPE, data_base64: base64('{') })[0]?.code, 'payload_not_json');
  assert.equal(codesOf(ENVELOPE)[0]?.code, 'value_missing');
});
