import type { Preset } from './preset.ts';

/** What is known of an uplink without a payload formatter, too. */
const UP = {
  topic: 'v3/{application}/devices/{id}/up',
  device_id: ['$.end_device_ids.dev_eui', '{id}'],
  device_name: '$.end_device_ids.device_id',
  tags: { application: '{application}' },
  timestamp: ['$.uplink_message.received_at', '$.received_at'],
  values: {
    f_cnt: '$.uplink_message.f_cnt',
    rssi: '$.uplink_message.rx_metadata[0].rssi',
    snr: '$.uplink_message.rx_metadata[0].snr',
  },
  metrics: { rssi: { unit: 'dBm' }, snr: { unit: 'dB' } },
} as const;

export const ttn: Preset = {
  name: 'ttn',
  title: 'The Things Stack (The Things Network, version 3)',
  about: `Uplinks: each value of \`decoded_payload\`, and \`f_cnt\`, \`rssi\` and \`snr\` of the first gateway;
without a payload formatter the latter alone, and what a device sent as CBOR with
\`base64: {$.uplink_message.frm_payload: cbor}\` and \`value: $.uplink_message.frm_payload\`. The device is its DevEUI, which stays; its display name is the device id. The time is that of the network
server's receipt. The Things Stack leaves out what is 0, \`false\` or "": a missing value is not stored, and a gauge that fell to
0 keeps its last one. It publishes at QoS 0 only: what is published while Tidegate is away is lost. The user for MQTT is
\`<application>@<tenant>\`, the password an API key.`,
  reference: 'https://www.thethingsindustries.com/docs/integrations/data-formats/',
  base: null,
  routes: [
    {
      ...UP,
      when: { '$.uplink_message.decoded_payload': '*' },
      value: '$.uplink_message.decoded_payload',
      flatten: 'arrays',
    },
    { name: 'radio', ...UP },
  ],
  examples: [
    {
      topic: 'v3/app1@ttn/devices/dev1/up',
      payload: JSON.stringify({
        end_device_ids: {
          device_id: 'dev1',
          application_ids: { application_id: 'app1' },
          dev_eui: '0004A30B001C0530',
          join_eui: '800000000000000C',
          dev_addr: '00BCB929',
        },
        received_at: '2020-02-12T15:15:46.014773143Z',
        uplink_message: {
          f_cnt: 1,
          frm_payload: 'gkHe',
          decoded_payload: { temperature: 1.0, luminosity: 0.64 },
          rx_metadata: [{ gateway_ids: { gateway_id: 'gtw1' }, rssi: -35, channel_rssi: -35, snr: 5 }],
          received_at: '2020-02-12T15:15:45.789585559Z',
        },
      }),
    },
  ],
};
