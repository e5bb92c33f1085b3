import type { Preset } from './preset.ts';

export const awsShadow: Preset = {
  name: 'aws_shadow',
  title: 'AWS IoT device shadows',
  about: `What things report (\`state.reported\`), nested names joined by a dot, under the arrival; desired states are left alone. To
store what AWS accepted, under its time, set \`topic: $aws/things/{device_id}/shadow/update/accepted\`; for named shadows
\`topic: $aws/things/{device_id}/shadow/name/{shadow}/update\`, as an item of its own.`,
  reference: 'https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html',
  base: null,
  routes: [
    {
      topic: '$aws/things/{device_id}/shadow/update',
      when: { '$.state.reported': '*' },
      value: '$.state.reported',
      timestamp: '$.timestamp',
      time_unit: 's',
      flatten: 'arrays',
    },
  ],
  examples: [
    { topic: '$aws/things/thermostat/shadow/update', payload: '{"state":{"reported":{"battery":0.40}}}' },
  ],
};
