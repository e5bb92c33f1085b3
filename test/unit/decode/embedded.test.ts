import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadConfig } from '../../../src/config/load.ts';
import type { RouteConfig } from '../../../src/config/route.ts';
import { codesOf, decode, LIMITS, makeRoute, metricsOf } from './decoding.ts';
import { pointsOf } from './presets/preset-points.ts';

/** {"temperature": 21.5} in CBOR. */
const CBOR = 'oWt0ZW1wZXJhdHVyZflNYA==';
const NONE = Number.NaN;
const packed = (document: unknown): string => Buffer.from(JSON.stringify(document)).toString('base64');

test('what is base64 of another format is read in its place', () => {
  const at = (base64: RouteConfig['base64'], rest: Partial<RouteConfig> = {}) => ({ base64, ...rest });
  assert.deepEqual(metricsOf(`{"data":"${CBOR}"}`, at({ '$.data': 'cbor' }, { value: '$.data' })), [
    ['temperature', NONE, 21.5],
  ]);
  assert.deepEqual(
    metricsOf(`{"rssi":-35,"data":"${packed({ t: 1, u: 2 })}"}`, at({ '$.data': 'json' }, { flatten: true })),
    [
      ['rssi', NONE, -35],
      ['data.t', NONE, 1],
      ['data.u', NONE, 2],
    ],
  );
  assert.deepEqual(
    metricsOf(`{"up":[{"d":"${CBOR}"}],"x":"${packed(7)}"}`, {
      base64: { '$.up[0].d': 'auto', '$.x': 'value' },
      flatten: 'arrays',
    }),
    [
      ['up.0.d.temperature', NONE, 21.5],
      ['x', NONE, 7],
    ],
  );
  assert.deepEqual(metricsOf(packed({ t: 1 }), at({ $: 'json' })), [['t', NONE, 1]], 'the whole payload');
});

test('gzip in base64 is unpacked, within the limits of a message', () => {
  const zipped = (text: string) => gzipSync(text).toString('base64');
  const data = { base64: { '$.data': 'auto' }, value: '$.data' } as const;
  assert.deepEqual(metricsOf(`{"data":"${zipped('{"t":21.5}')}"}`, data), [['t', NONE, 21.5]]);
  assert.deepEqual(metricsOf(zipped('{"t":1}'), { base64: { $: 'json' } }), [['t', NONE, 1]]);
  const event = (text: string) => `{"specversion":"1.0","data_base64":"${zipped(text)}"}`;
  assert.deepEqual(metricsOf(event('{"t":2}'), { format: 'cloud_event', value: '$.data' }), [['t', NONE, 2]]);
  const bomb = zipped(' '.repeat(LIMITS.messageBytes + 1));
  assert.deepEqual(codesOf(`{"data":"${bomb}"}`, data), ['payload_too_large']);
  assert.deepEqual(codesOf('{"data":"H4sIAAAA"}', data), ['payload_not_gzip']);
  const many = `{${Array.from({ length: 30_000 }, (_, index) => `"k${index}":1`).join(',')}}`;
  assert.deepEqual(codesOf(`{"data":"${zipped(many)}"}`, data), ['too_many_names']);
  const few = { ...LIMITS, pointsPerMessage: 100 };
  const list = `[${'{"metric_name":"m","value":1},'.repeat(100)}{"metric_name":"m","value":1}]`;
  const route = makeRoute({ topic: 'd/{device_id}', base64: { $: 'json' } });
  assert.deepEqual(
    decode([route], 'd/1', zipped(list), few).rejects.map(({ code }) => code),
    ['too_many_points'],
    'what is unpacked is counted',
  );
});

test('what is not there, or empty, stays so; what cannot be read is a dead letter that names the place', () => {
  const route = makeRoute({ topic: 'devices/{device_id}', base64: { '$.a.b': 'cbor' }, flatten: true });
  for (const payload of [
    '{"t":1}',
    '{"t":1,"a":{"b":""}}',
    '{"t":1,"a":{"b":null}}',
    '{"t":1,"a":{"c":null}}',
  ])
    assert.deepEqual(
      decode([route], 'devices/d', payload).rows.map(([, metric]) => metric),
      ['t'],
      payload,
    );
  const { rejects, rows } = decode([route], 'devices/d', '{"t":1,"a":{"b":"no base64"}}');
  assert.deepEqual(
    [rows, rejects],
    [[], [{ code: 'payload_shape', detail: '$.a.b: "no base64", not base64' }]],
  );
  assert.deepEqual(codesOf('{"d":"/w=="}', { base64: { '$.d': 'cbor' } }), ['payload_not_cbor']);
  assert.deepEqual(codesOf('{"d":7}', { base64: { '$.d': 'cbor' } }), ['payload_shape']);
});

test('conditions see the message as it is sent, a transform what is in it', () => {
  const overrides: Partial<RouteConfig> = {
    base64: { '$.d': 'json' },
    when: { '$.d': 'eyJ*' },
    transform: 'd.readings',
  };
  assert.deepEqual(metricsOf(`{"d":"${packed({ readings: { t: 3 } })}"}`, overrides), [['t', NONE, 3]]);
});

test('raw payloads of LoRaWAN, by a preset and two keys', () => {
  const ttn = {
    preset: 'ttn',
    base64: { '$.uplink_message.frm_payload': 'cbor' },
    value: '$.uplink_message.frm_payload',
  };
  const uplink = `{"end_device_ids":{"device_id":"dev1","dev_eui":"0004A30B001C0530"},"received_at":"2020-02-12T15:15:46.014773143Z","uplink_message":{"f_cnt":1,"frm_payload":"${CBOR}"}}`;
  const time = '2020-02-12T15:15:46.014773Z';
  assert.deepEqual(pointsOf(ttn, 'v3/app1@ttn/devices/dev1/up', uplink), [
    ['0004A30B001C0530', 'temperature', 21.5, time],
    ['0004A30B001C0530', 'f_cnt', 1, time],
  ]);
  const chirpstack = { preset: 'chirpstack', base64: { '$.data': 'cbor' }, value: '$.data' };
  const event = `{"time":"2020-02-12T15:15:46.014773143Z","fCnt":4,"data":"${CBOR}"}`;
  assert.deepEqual(pointsOf(chirpstack, 'application/1/device/0101010101010101/event/up', event), [
    ['0101010101010101', 'temperature', 21.5, time],
    ['0101010101010101', 'f_cnt', 4, time],
  ]);
});

test('places and formats that cannot be meant are refused', () => {
  const refused = (route: object): string => {
    const env = {
      TIDEGATE_DATABASE_URL: 'postgres://localhost/db',
      TIDEGATE_ROUTES: JSON.stringify([route]),
    };
    try {
      loadConfig({ env });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const topic = 'a/{device_id}';
  assert.match(
    refused({ topic, base64: { '$.a[*]': 'cbor' } }),
    /routes\[0\]\.base64.*is not one place of the payload/,
  );
  assert.match(refused({ topic, base64: { '$.a': 'senml' } }), /routes\[0\]\.base64/);
  assert.match(
    refused({ topic, format: 'senml', base64: { '$.a': 'cbor' } }),
    /says nothing to format senml/,
  );
});
