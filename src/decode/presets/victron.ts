import type { Preset } from './preset.ts';

export const victron: Preset = {
  name: 'victron',
  title: 'Victron (Venus OS: Cerbo GX and others)',
  about: `\`N/<portal id>/<service>/<instance>/<path>\`: the device is \`portal/service/instance\`, the metric the path of the D-Bus
(\`Ac/Power\`), the time the arrival. \`null\` and the empty messages of devices that went away are no values; settings are
left alone. Venus OS publishes only while somebody asks it to: let Tidegate do so with

\`\`\`yaml
mqtt:
  victron: {portals: [c0619ab9c5f4]}
\`\`\`

which publishes to \`R/<portal id>/keepalive\` every 30 seconds (\`mqtt.victron.interval\`).`,
  reference: 'https://github.com/victronenergy/dbus-flashmq',
  base: null,
  routes: [
    {
      topic: 'N/{portal}/{service}/{instance}/{path#}',
      ignore: ['N/+/settings/#'],
      device_id: '{portal}/{service}/{instance}',
      metric_name: '{path}',
      value: '$.value',
      on_nested: 'skip',
      on_empty: 'skip',
    },
  ],
  examples: [
    { topic: 'N/c0619ab9c5f4/pvinverter/20/Ac/Power', payload: '{"value": 936}' },
    { topic: 'N/c0619ab9c5f4/solarcharger/279/Dc/0/Voltage', payload: '{"value":20.43000030517578}' },
    { topic: 'N/c0619ab9c5f4/pvinverter/20/Ac/L2/Power', payload: '{"value": null}' },
  ],
};
