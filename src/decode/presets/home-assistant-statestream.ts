import type { Preset, PresetRoute } from './preset.ts';

const ENTITY: PresetRoute = { device_id: '{domain}.{entity}', format: 'value', on_empty: 'skip' };

/** Domains whose states are several words, of which "off" or "open" is but one. */
export const MODAL = ['climate', 'cover', 'media_player', 'valve', 'water_heater', 'select', 'input_select'];

export const homeAssistantStatestream: Preset = {
  name: 'home_assistant_statestream',
  title: 'Home Assistant (MQTT Statestream)',
  about: `The device is the entity (\`light.master_bedroom_dimmer\`), its metric \`state\`; with \`publish_attributes: true\` also
the attributes that are numbers or booleans (texts, lists and times among them are dropped) and the unit of the state. States
of ${MODAL.join(', ')} are texts, others 1 and 0 for "on" and "off". \`unavailable\` and
\`unknown\` are no values. The time is the arrival. \`base\` is Home Assistant's \`base_topic\`.`,
  reference: 'https://www.home-assistant.io/integrations/mqtt_statestream/',
  base: 'homeassistant',
  routes: [
    {
      name: 'mode',
      topic: 'homeassistant/{domain}/{entity}/state',
      when: { '{domain}': MODAL },
      metric_name: 'state',
      ...ENTITY,
      metrics: { state: { read: 'text' } },
    },
    { name: 'state', topic: 'homeassistant/{domain}/{entity}/state', metric_name: 'state', ...ENTITY },
    {
      name: 'unit',
      topic: 'homeassistant/{domain}/{entity}/unit_of_measurement',
      metric_name: 'state',
      value_is: 'unit',
      ...ENTITY,
    },
    {
      name: 'attribute',
      topic: 'homeassistant/{domain}/{entity}/{attribute}',
      // Home Assistant's MQTT discovery has the same prefix by default.
      ignore: ['homeassistant/+/+/config'],
      metric_name: '{attribute}',
      on_text: 'drop',
      ...ENTITY,
    },
  ],
  examples: [
    { topic: 'homeassistant/light/master_bedroom_dimmer/state', payload: '"on"' },
    { topic: 'homeassistant/light/master_bedroom_dimmer/brightness', payload: '128' },
    {
      topic: 'homeassistant/light/master_bedroom_dimmer/last_updated',
      payload: '"2017-10-01T23:20:30.920969+00:00"',
    },
  ],
};
