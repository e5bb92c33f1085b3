import { CLOCK_NOT_SET, type Preset } from './preset.ts';

export const telegraf: Preset = {
  name: 'telegraf',
  title: 'Telegraf (outputs.mqtt, data_format "influx")',
  about: `Line protocol: the device is the tag \`host\` (\`telegraf\` where a line has none), a metric \`<measurement>.<field>\`, with the other tags behind it
(\`cpu.usage_idle,cpu=cpu0\`) so that no two series are one; all tags are kept with the series, too. \`metric_tags\` says which of
them are in the name. Times are nanoseconds, cut to microseconds. \`base\` replaces \`telegraf\`, Telegraf's usual
\`topic_prefix\`.`,
  reference: 'https://docs.influxdata.com/telegraf/v1/output-plugins/mqtt/',
  base: 'telegraf',
  routes: [
    {
      topic: 'telegraf/#',
      format: 'line_protocol',
      device_id: ['@.tags.host', 'telegraf'],
      time_unit: 'ns',
      unset_before: CLOCK_NOT_SET,
    },
  ],
  examples: [
    {
      topic: 'telegraf/web1/cpu',
      payload: 'cpu,cpu=cpu0,host=web1 usage_idle=98.5,usage_user=1i 1465839830100400200',
    },
  ],
};
