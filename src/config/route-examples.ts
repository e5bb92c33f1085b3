/** Routes to copy: they stand in the sample file and in the manual, and a test loads each. */
export const ROUTE_EXAMPLES: readonly { readonly title: string; readonly yaml: string }[] = [
  {
    title: 'The default: a value or an object a topic, or an object of metrics a device.',
    yaml: `routes:
  - topic: devices/{device_id}/{metric_name}
  - topic: devices/{device_id}`,
  },
  {
    title: 'Zigbee2MQTT: the time in the payload, nested objects, and metrics that nobody needs.',
    yaml: `routes:
  - name: zigbee2mqtt
    topic: zigbee2mqtt/{device_id}
    timestamp: $.last_seen
    flatten: true
    exclude: [linkquality, update*, last_seen]`,
  },
  {
    title: 'Tasmota: telemetry in local time, nested a level per sensor.',
    yaml: `routes:
  - name: tasmota
    topic: tele/{device_id}/SENSOR
    timestamp: $.Time
    time_zone: Europe/Berlin
    flatten: true
    exclude: [Time, "*Unit"]`,
  },
  {
    title: 'A gateway that sends an array: a point an item, named by what the item holds.',
    yaml: `routes:
  - name: gateway
    topic: plants/{area}/gateway
    each: $.readings
    device_id: "@.sensor"
    metric_name: "@.quantity"
    value: "@.value"
    timestamp: "@.ts"
    time_unit: s`,
  },
  {
    title: 'Levels of the topic as the name of the metric, and words of its own.',
    yaml: `routes:
  - name: homie
    topic: homie/5/{device_id}/{node}/{property}
    metric_name: "{node}/{property}"
    format: value
    on_text: drop
    booleans: {true: [true, running], false: [false, idle]}`,
  },
  {
    title: 'Sparkplug B: all edge nodes and their devices (docs/sparkplug.md).',
    yaml: `routes:
  - name: sparkplug
    topic: spBv1.0/#
    format: sparkplug_b
    flatten: true`,
  },
];
