import type { Preset, PresetRoute } from './preset.ts';

/** Components whose state is one value. */
const COMPONENTS = [
  'sensor',
  'binary_sensor',
  'text_sensor',
  'switch',
  'number',
  'select',
  'lock',
  'cover',
  'fan',
];

const NULL_WORDS = ['', 'nan', 'null', 'none', 'unavailable', 'unknown', 'undefined', 'n/a'];

function component(name: string): PresetRoute {
  return {
    name,
    topic: `{device_id}/${name}/{metric_name}/state`,
    // Statestream's topics look the same.
    ignore: ['homeassistant/#'],
    format: 'value',
    null_words: NULL_WORDS,
  };
}

export const esphome: Preset = {
  name: 'esphome',
  title: 'ESPHome',
  about: `\`<prefix>/sensor/<name>/state\` and its like for ${COMPONENTS.slice(1).join(', ')} and light: the device is
the topic prefix (by default the node's name), the metric the component's name, the time the arrival. \`nan\`, which a
sensor without a reading sends, is no value. \`<prefix>/status\`, the birth and the last will of a node, becomes \`online\`. A light's JSON becomes \`<name>.state\`, \`<name>.brightness\` and so on. \`base\` is
for a prefix of several levels: it stands before the device.`,
  reference: 'https://esphome.io/components/mqtt.html',
  base: '',
  routes: [
    ...COMPONENTS.map(component),
    {
      name: 'light',
      topic: '{device_id}/light/{light}/state',
      ignore: ['homeassistant/#'],
      format: 'json',
      flatten: true,
      on_nested: 'skip',
      metrics: { '*': { name: '{light}.{metric_name}' } },
    },
    {
      name: 'online',
      topic: '{device_id}/status',
      ignore: ['homeassistant/#'],
      // Others have a topic of this shape, too.
      when: { $: ['online', 'offline'] },
      metric_name: 'online',
      format: 'value',
    },
  ],
  examples: [
    { topic: 'livingroom/sensor/temperature/state', payload: '21.4' },
    { topic: 'livingroom/binary_sensor/motion/state', payload: 'ON' },
    { topic: 'livingroom/sensor/humidity/state', payload: 'nan' },
    { topic: 'livingroom/status', payload: 'online' },
    { topic: 'gosund_sw2/light/dimmer/state', payload: '{"state":"ON","brightness":255}' },
  ],
};
