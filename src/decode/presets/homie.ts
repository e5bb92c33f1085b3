import type { Preset, PresetRoute } from './preset.ts';

/** Payloads of a datatype of the convention: its booleans are exactly these, and "on" is a value of an enum. */
const PROPERTY: PresetRoute = {
  metric_name: '{node}/{property}',
  format: 'value',
  on_empty: 'skip',
  booleans: { true: ['true'], false: ['false'] },
  // The empty string is one zero byte.
  null_words: ['\u0000'],
};
const STATE: PresetRoute = { metric_name: 'state', format: 'value', on_empty: 'skip' };

const UNIT: PresetRoute = { value_is: 'unit', on_empty: 'skip' };

export const homie: Preset = {
  name: 'homie',
  title: 'Homie (versions 4 and 5)',
  about: `A metric is \`node/property\`, the time the arrival. Attributes (\`$name\`, \`$target\` and the like) are left alone
except the device's \`$state\`, which becomes the text \`state\` (init, ready, sleeping, lost). Booleans are exactly \`true\` and
\`false\`; enums, colours and durations are texts. Values are retained: those that wait at the broker when Tidegate subscribes
are stored only with \`ingest.retained: if_changed\`. So it is with units, of version 4's \`$unit\` and version 5's
\`$description\`, which go with the next value of each property: without it they are heard when a device starts anew. \`base\` replaces
\`homie\`.`,
  reference: 'https://homieiot.github.io/specification/',
  base: 'homie',
  retains: 'its units and latest values',
  routes: [
    {
      name: '5',
      topic: 'homie/5/{device_id}/{node}/{property}',
      ignore: ['homie/5/+/$*/#', 'homie/5/+/+/$*'],
      ...PROPERTY,
    },
    {
      name: 'unit-5',
      topic: 'homie/5/{device_id}/$description',
      format: 'json',
      each: '$.nodes.*.properties.*',
      when: { '@.unit': '*' },
      device_name: '$.name',
      metric_name: '{key^}/{key}',
      value: '@.unit',
      ...UNIT,
    },
    { name: 'state-5', topic: 'homie/5/{device_id}/$state', ...STATE },
    {
      name: '4',
      topic: 'homie/{device_id}/{node}/{property}',
      ignore: ['homie/5/#', 'homie/$*/#', 'homie/+/$*/#', 'homie/+/+/$*'],
      ...PROPERTY,
    },
    {
      name: 'unit-4',
      topic: 'homie/{device_id}/{node}/{property}/$unit',
      ignore: ['homie/5/#', 'homie/+/$*/#', 'homie/+/+/$*/#'],
      metric_name: '{node}/{property}',
      format: 'value',
      ...UNIT,
    },
    { name: 'state-4', topic: 'homie/{device_id}/$state', ...STATE },
  ],
  examples: [
    { topic: 'homie/5/super-car/engine/temperature', payload: '21.5' },
    { topic: 'homie/5/super-car/light/power', payload: 'true' },
    { topic: 'homie/5/super-car/$state', payload: 'ready' },
    { topic: 'homie/super-car/engine/temperature', payload: '21.5' },
  ],
};
