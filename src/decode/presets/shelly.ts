import { CLOCK_NOT_SET, type Preset, type PresetRoute } from './preset.ts';

/** Frames of the RPC protocol name their sender, which topics of a user's own choice may not. */
const SENDER = { '$.src': 'shelly*' };

/** One of several words, of which some would be read as on or off elsewhere. */
const STATE = { read: 'text' };

const COUNTER = { unit: 'Wh', kind: 'counter' };

const STATUS: PresetRoute = {
  when: { ...SENDER, '$.method': ['NotifyStatus', 'NotifyFullStatus'] },
  device_id: '$.src',
  value: '$.params',
  timestamp: '$.params.ts',
  unset_before: CLOCK_NOT_SET,
  flatten: true,
  on_nested: 'skip',
  exclude: ['ts', '*.id', '*.by_minute', '*_ts', 'sys.mac', 'sys.time', 'sys.unixtime'],
  metrics: {
    '*.apower': { unit: 'W' },
    // A component, or a phase of an energy meter: `a_voltage`.
    '*act_power': { unit: 'W' },
    '*aprt_power': { unit: 'VA' },
    '*voltage': { unit: 'V' },
    '*current': { unit: 'A' },
    '*freq': { unit: 'Hz' },
    '*aenergy.total': { unit: 'Wh', kind: 'counter' },
    'em*data:*total_act*': { unit: 'Wh', kind: 'counter' },
    '*.target_C': { unit: '°C' },
    '*.current_C': { unit: '°C' },
    'cover:*.state': STATE,
    'cover:*.last_direction': STATE,
    '*.tC': { unit: '°C' },
    '*.tF': { unit: '°F' },
    '*.rh': { unit: '%' },
    '*.battery.V': { unit: 'V' },
    '*.battery.percent': { unit: '%' },
  },
};

const EVENT: PresetRoute = {
  when: { ...SENDER, '$.method': 'NotifyEvent' },
  device_id: '$.src',
  each: '$.params.events',
  metric_name: '{@.component}.event',
  value: '@.event',
  timestamp: '@.ts',
  unset_before: CLOCK_NOT_SET,
  on_text: 'store',
};

export const shelly: Preset = {
  name: 'shelly',
  title: 'Shelly (generations 1 and 2, and what speaks as they do)',
  about: `Generation 2 and later (Plus, Pro, Gen3, Gen4): notifications (\`<id>/events/rpc\`), which "RPC status notifications
over MQTT" turns on. The device is \`src\`, a metric \`component.attribute\` (\`switch:0.apower\`), the time that of the device;
what did not change is not sent, and not stored. Events (\`NotifyEvent\`) are stored each as \`<component>.event\`.
They are taken under a prefix of one level, and of one more below \`base\` (\`shellies/kitchen\`). \`<id>/online\` becomes \`online\`, where the topic prefix is the device's id, as it is by default; without RPC notifications
it is all that is taken.

Generation 1: \`shellies/<device>/...\`, a value a topic; energy, which these count in watt-minutes, is stored in Wh; gas is 0 for
"none", 1 for "mild", 2 for "heavy", 3 for "test".
\`base\` replaces \`shellies\`. Neither says when generation 1 measured: the time is the arrival.`,
  reference: 'https://shelly-api-docs.shelly.cloud/gen2/General/Notifications',
  base: 'shellies',
  routes: [
    { name: 'status', topic: '+/events/rpc', ...STATUS },
    { name: 'event', topic: '+/events/rpc', ...EVENT },
    { name: 'status-below', topic: 'shellies/+/events/rpc', ...STATUS },
    { name: 'event-below', topic: 'shellies/+/events/rpc', ...EVENT },
    {
      name: 'online',
      topic: '{device_id}/online',
      // By its name, too: others have a topic of this shape.
      when: { '{device_id}': 'shelly*', $: ['true', 'false'] },
      metric_name: 'online',
      format: 'value',
    },
    {
      name: 'gen1-light',
      topic: 'shellies/{device_id}/light/{n}/status',
      flatten: true,
      on_nested: 'skip',
      metrics: { '*': { name: 'light/{n}/{metric_name}' } },
    },
    {
      name: 'gen1-status',
      topic: 'shellies/{device_id}/status',
      // `timestamp` is when something moved last.
      timestamp: '$.unixtime',
      exclude: ['timestamp', 'unixtime'],
      flatten: true,
      on_nested: 'skip',
    },
    {
      name: 'gen1',
      topic: 'shellies/{device_id}/{path#}',
      ignore: [
        'shellies/announce',
        'shellies/command',
        'shellies/+/announce',
        'shellies/+/info',
        'shellies/+/settings',
        // Of generation 2, by other ways than its notifications.
        'shellies/+/events/rpc',
        'shellies/+/status/+',
        'shellies/+/rpc',
        'shellies/#/command',
        'shellies/#/set',
        'shellies/+/input_event/#',
        'shellies/+/white/+/status',
        'shellies/+/color/+/status',
      ],
      metric_name: '{path}',
      format: 'value',
      metrics: {
        '*/energy': { ...COUNTER, scale: 1 / 60 },
        '*/returned_energy': { ...COUNTER, scale: 1 / 60 },
        'emeter/*/total*': COUNTER,
        'roller/0': STATE,
        'sensor/state': { words: { open: 1, close: 0 } },
        // "none" is that there is no gas.
        'sensor/gas': { words: { none: 0, mild: 1, heavy: 2, test: 3 } },
        'sensor/humidity': { unit: '%' },
        'sensor/battery': { unit: '%' },
        '*/power': { unit: 'W' },
        '*/voltage': { unit: 'V' },
        temperature: { unit: '°C' },
        temperature_f: { unit: '°F' },
      },
    },
  ],
  examples: [
    {
      topic: 'shellypro4pm-f008d1d8b8b8/events/rpc',
      payload:
        '{"src":"shellypro4pm-f008d1d8b8b8","dst":"user_1","method":"NotifyStatus","params":{"ts":1631186545.04,"switch:0":{"id":0,"output":true,"source":"button"}}}',
    },
    {
      topic: 'shellyplusht-b8d61a8b17cc/events/rpc',
      payload:
        '{"src":"shellyplusht-b8d61a8b17cc","dst":"shellyplusht-b8d61a8b17cc/events","method":"NotifyFullStatus","params":{"ts":1680962879.62,"ble":{},"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0},"external":{"present":true}},"humidity:0":{"id":0,"rh":42.2},"temperature:0":{"id":0,"tC":19.8,"tF":67.6}}}',
    },
    { topic: 'shellyplus1-a8032abe54dc/online', payload: 'true' },
    { topic: 'shellies/shelly1pm-68D3BB/relay/0', payload: 'on' },
    { topic: 'shellies/shelly1pm-68D3BB/relay/0/power', payload: '30.6' },
  ],
};
