import { CLOCK_NOT_SET, type Preset } from './preset.ts';

/** It is sent as C or F. */
const TEMPERATURES = { unit: '°{$.TempUnit}' };

export const tasmota: Preset = {
  name: 'tasmota',
  title: 'Tasmota',
  about: `Sensors and energy (\`tele/+/SENSOR\`), the device's own state (\`tele/+/STATE\`: relays, Wi-Fi, uptime), relays as
they switch (\`stat/+/RESULT\`) and whether it is online. Nested names are joined by a dot (\`ENERGY.Power\`), items of arrays
by their index, as phases are. \`Time\` is the device's local time and has no zone: set \`time_zone\`, or
\`Timezone 0\` in Tasmota. \`base\` is for a FullTopic with levels before the prefix.`,
  reference: 'https://tasmota.github.io/docs/MQTT/',
  base: '',
  localTimes: true,
  routes: [
    {
      name: 'sensor',
      topic: 'tele/{device_id}/SENSOR',
      timestamp: '$.Time',
      unset_before: CLOCK_NOT_SET,
      flatten: 'arrays',
      exclude: ['Time', 'Epoch', '*Unit', '*StartTime', '*.Id', '*.Address'],
      metrics: {
        '*Temperature': TEMPERATURES,
        '*DewPoint': TEMPERATURES,
        '*Humidity': { unit: '%' },
        '*Pressure': { unit: '{$.PressureUnit}' },
        // One, or one of each phase or tariff.
        'ENERGY.Total*': { unit: 'kWh', kind: 'counter' },
        'ENERGY.Export*': { unit: 'kWh', kind: 'counter' },
        'ENERGY.Today*': { unit: 'kWh' },
        'ENERGY.Yesterday*': { unit: 'kWh' },
        'ENERGY.Power*': { unit: 'W' },
        'ENERGY.Voltage*': { unit: 'V' },
        'ENERGY.Current*': { unit: 'A' },
      },
    },
    {
      name: 'state',
      topic: 'tele/{device_id}/STATE',
      timestamp: '$.Time',
      unset_before: CLOCK_NOT_SET,
      flatten: true,
      on_nested: 'skip',
      include: [
        'POWER*',
        'Dimmer*',
        'CT',
        'White',
        'FanSpeed',
        'UptimeSec',
        'Heap',
        'LoadAvg',
        'MqttCount',
        'Vcc',
        'Wifi.RSSI',
        'Wifi.Signal',
        'Wifi.LinkCount',
      ],
      metrics: { UptimeSec: { unit: 's' }, 'Wifi.Signal': { unit: 'dBm' }, 'Wifi.RSSI': { unit: '%' } },
    },
    {
      name: 'result',
      topic: 'stat/{device_id}/RESULT',
      on_nested: 'skip',
      include: ['POWER*', 'Dimmer*', 'CT', 'White', 'FanSpeed'],
    },
    { name: 'online', topic: 'tele/{device_id}/LWT', metric_name: 'online', format: 'value' },
  ],
  examples: [
    {
      topic: 'tele/lamp/SENSOR',
      payload:
        '{"Time":"2022-01-11T21:57:38","ENERGY":{"TotalStartTime":"2021-10-25T15:22:04","Total":3.705,"Power":5}}',
    },
    {
      topic: 'tele/tasmota_C59B5E/SENSOR',
      payload:
        '{"Time":"2021-06-13T06:59:52","ANALOG":{"CTEnergy":{"Energy":0.006,"Power":2068,"Voltage":230,"Current":8.992}},"DHT11":{"Temperature":23.0,"Humidity":37.0,"DewPoint":7.5},"TempUnit":"C"}',
    },
    {
      topic: 'tele/tasmota_9CF9D1/STATE',
      payload:
        '{"Time":"2024-02-24T22:20:38","Uptime":"0T00:10:11","UptimeSec":611,"Heap":24,"SleepMode":"Dynamic","Sleep":50,"LoadAvg":19,"MqttCount":1,"POWER":"OFF","Wifi":{"AP":1,"SSId":"ESP-Network","BSSId":"E6:8D:8C:4B:BE:F7","Channel":3,"Mode":"11n","RSSI":44,"Signal":-78,"LinkCount":1,"Downtime":"0T00:00:05"}}',
    },
    { topic: 'stat/sonoff/RESULT', payload: '{"POWER":"ON"}' },
    { topic: 'tele/tasmota/LWT', payload: 'Online' },
  ],
  recognises: (document) => typeof document['Time'] === 'string',
};
