import type { Preset } from './preset.ts';

const DEVICE = {
  device_name: '$.deviceInfo.deviceName',
  tags: { application: '$.deviceInfo.applicationName' },
  timestamp: '$.time',
} as const;

/** What is known of an uplink without a codec, too. */
const UP = {
  topic: 'application/{application}/device/{device_id}/event/up',
  ...DEVICE,
  values: { f_cnt: '$.fCnt', rssi: '$.rxInfo[0].rssi', snr: '$.rxInfo[0].snr' },
  metrics: { rssi: { unit: 'dBm' }, snr: { unit: 'dB' } },
} as const;

export const chirpstack: Preset = {
  name: 'chirpstack',
  title: 'ChirpStack (version 4)',
  about: `Uplinks: each value of \`object\`, which a codec in the device profile makes, and \`f_cnt\`, \`rssi\` and \`snr\` of the first
gateway; without a codec the latter alone, and what a device sent as CBOR with \`base64: {$.data: cbor}\` and \`value: $.data\`. Device status: \`margin\` and \`batteryLevel\`. The device is its DevEUI, its
display name \`deviceName\`, the time ChirpStack's, cut to microseconds. It needs JSON, ChirpStack's default
(\`integration.mqtt.json\`).`,
  reference: 'https://www.chirpstack.io/docs/chirpstack/integrations/events.html',
  base: 'application',
  routes: [
    { name: 'up', ...UP, when: { '$.object': '*' }, value: '$.object', flatten: 'arrays' },
    { name: 'radio', ...UP },
    {
      name: 'status',
      topic: 'application/{application}/device/{device_id}/event/status',
      ...DEVICE,
      values: {
        margin: '$.margin',
        batteryLevel: '$.batteryLevel',
        externalPowerSource: '$.externalPowerSource',
      },
      metrics: { margin: { unit: 'dB' }, batteryLevel: { unit: '%' } },
    },
  ],
  examples: [
    {
      topic: 'application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/up',
      payload: JSON.stringify({
        deduplicationId: '3ac7e3c4-4401-4b8d-9386-a5c902f9202d',
        time: '2022-07-18T09:34:15.775023242+00:00',
        deviceInfo: {
          applicationName: 'Test application',
          deviceName: 'Test device',
          devEui: '0101010101010101',
          tags: { key: 'value' },
        },
        devAddr: '00189440',
        dr: 1,
        fPort: 1,
        data: 'qg==',
        rxInfo: [{ gatewayId: '0016c001f153a14c', uplinkId: 4_217_106_255, rssi: -36, snr: 10.5 }],
        txInfo: { frequency: 867_100_000 },
      }),
    },
    {
      topic: 'application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/status',
      payload: JSON.stringify({
        deduplicationId: 'bf2a9746-1c8b-49be-a92e-f0b89c8534e4',
        time: '2022-07-18T09:35:06.927172638+00:00',
        deviceInfo: {
          applicationName: 'Test application',
          deviceName: 'Test device',
          devEui: '0101010101010101',
        },
        margin: 10,
        batteryLevel: 88.3,
      }),
    },
  ],
};
