import type { Preset, PresetRoute } from './preset.ts';

/** Components whose state is one value: a number, or on and off. */
const MEASURED = ['sensor', 'binary_sensor', 'switch', 'number', 'lock', 'fan'];
/** Those whose state is a text, also one that reads like a number or like on and off. */
const WORDED = ['text_sensor', 'text', 'select', 'cover', 'valve', 'alarm_control_panel'];
/** Components that publish several values, each to a topic of its own, and which of these are texts. */
const SEVERAL = ['climate', 'cover', 'fan', 'valve'];
const MODES = ['*.mode', '*.action', '*.fan_mode', '*.swing_mode', '*.preset'];

const TEXT = { read: 'text' };

const NULL_WORDS = ['', 'nan', 'null', 'none', 'unavailable', 'unknown', 'undefined', 'n/a'];

function component(name: string): PresetRoute {
  return {
    name,
    topic: `{device_id}/${name}/{metric_name}/state`,
    // Statestream's topics look the same.
    ignore: ['homeassistant/#'],
    format: 'value',
    on_empty: 'skip',
    // A text may be "None", of a select, and mean it.
    ...(WORDED.includes(name) ? { null_words: [], metrics: { '*': TEXT } } : { null_words: NULL_WORDS }),
  };
}

function several(name: string): PresetRoute {
  return {
    name: `${name}-values`,
    topic: `{device_id}/${name}/{name}/{quantity}/state`,
    ignore: ['homeassistant/#'],
    metric_name: '{name}.{quantity}',
    format: 'value',
    null_words: ['nan'],
    on_empty: 'skip',
    metrics: Object.fromEntries(MODES.map((mode) => [mode, TEXT])),
  };
}

export const esphome: Preset = {
  name: 'esphome',
  title: 'ESPHome',
  about: `\`<prefix>/sensor/<name>/state\` and its like for ${[...MEASURED.slice(1), ...WORDED].join(', ')} and light: the device is
the topic prefix (by default the node's name), the metric the component's name, the time the arrival. \`nan\`, which a
sensor without a reading sends, is no value. \`<prefix>/status\`, the birth and the last will of a node, becomes \`online\`. A light's JSON becomes \`<name>.state\`, \`<name>.brightness\` and so on, what a
${SEVERAL.join(', ')} says in several topics \`<name>.<quantity>\`, as \`<name>.current_temperature\`. The states of ${WORDED.join(', ')} and the modes of a climate are texts. \`base\` is
for a prefix of several levels: it stands before the device.`,
  reference: 'https://esphome.io/components/mqtt.html',
  base: '',
  routes: [
    ...[...MEASURED, ...WORDED].map(component),
    ...SEVERAL.map(several),
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
    { topic: 'livingroom/climate/heating/current_temperature/state', payload: '20.5' },
    { topic: 'livingroom/climate/heating/mode/state', payload: 'off' },
    { topic: 'livingroom/status', payload: 'online' },
    { topic: 'gosund_sw2/light/dimmer/state', payload: '{"state":"ON","brightness":255}' },
  ],
};
