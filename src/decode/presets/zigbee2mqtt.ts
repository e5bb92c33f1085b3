import { CLOCK_NOT_SET, type Preset, type PresetRoute } from './preset.ts';

/** Of their settings some are words for on and off: a text each, or half of the history would be elsewhere. */
const SETTING = { read: 'text' };

/** A device or group; its friendly name may have slashes. */
const DEVICE: PresetRoute = {
  topic: 'zigbee2mqtt/{device_id#}',
  ignore: [
    'zigbee2mqtt/bridge/#',
    'zigbee2mqtt/#/availability',
    'zigbee2mqtt/#/set/#',
    'zigbee2mqtt/#/get/#',
    // For Home Assistant's triggers each press is published once more, as a text alone.
    'zigbee2mqtt/+/#/action',
    'zigbee2mqtt/+/#/click',
  ],
  device_id: ['$.device.ieeeAddr', '{device_id}'],
  device_name: '{device_id}',
  timestamp: '$.last_seen',
  unset_before: CLOCK_NOT_SET,
  flatten: true,
  on_nested: 'skip',
  on_empty: 'skip',
  // "none" is a value: a thermostat's `preset`, an alarm.
  null_words: ['', 'null', 'unknown', 'unavailable', 'undefined', 'n/a'],
  exclude: ['last_seen', 'device.*', 'update.*', 'update_available', 'elapsed'],
  metrics: {
    temperature: { unit: '°C' },
    humidity: { unit: '%' },
    pressure: { unit: 'hPa' },
    battery: { unit: '%' },
    power: { unit: 'W' },
    current: { unit: 'A' },
    energy: { unit: 'kWh', kind: 'counter' },
    system_mode: SETTING,
    fan_mode: SETTING,
    indicator_mode: SETTING,
    backlight_mode: SETTING,
    'power_on_behavior*': SETTING,
  },
};

export const zigbee2mqtt: Preset = {
  name: 'zigbee2mqtt',
  title: 'Zigbee2MQTT',
  about: `A device is named by its friendly name, also where that has slashes. With
\`include_device_information: true\` in Zigbee2MQTT it is named by its IEEE address instead, which stays when it is
renamed; the friendly name becomes its display name. The time is \`last_seen\` where Zigbee2MQTT sends it, else the
arrival; for \`last_seen: ISO_8601_local\` no \`time_zone\` is needed, as it carries its offset. Presses of buttons
(\`action\`) are stored each, other texts when they change. Messages of the bridge, of availability, and those to
devices (\`set\`, \`get\`) are left alone, as is what \`.../action\` says once more for Home Assistant. Modes of which "off" is
one among others (\`system_mode\`, \`fan_mode\`, \`power_on_behavior\`) are texts.`,
  reference: 'https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html',
  base: 'zigbee2mqtt',
  routes: [{ ...DEVICE, name: 'action', when: { '$.action': '*' }, on_text: 'store' }, DEVICE],
  examples: [
    { topic: 'zigbee2mqtt/kitchen/sensor', payload: '{"temperature": 27.34, "humidity": 44.72}' },
    { topic: 'zigbee2mqtt/floor_light', payload: '{"state": "ON", "brightness": 215, "color_temp": 325}' },
    { topic: 'zigbee2mqtt/switch', payload: '{"action": "single"}' },
    {
      topic: 'zigbee2mqtt/QBKG12LM',
      payload:
        '{"power":0,"consumption":0.32,"temperature":16,"linkquality":34,"last_seen":"2020-02-26T20:44:09+01:00","state_left":"OFF","state_right":"OFF"}',
    },
  ],
  recognises: (document) => 'linkquality' in document,
};
