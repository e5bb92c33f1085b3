/** One route: which topics and messages it takes and how a payload becomes points. Expressions are those of expression.ts. */

import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { FORMATS, FORMAT_NAMES } from '../decode/formats/table.ts';
import { expressionKey } from './expression-key.ts';
import { METRIC } from './metric.ts';
import { readDuration } from './units.ts';

/** Formats whose documents are those of JSON. */
const EMBEDDED = ['auto', 'value', 'json', 'cbor', 'msgpack'] as const;

const CONDITIONS =
  'a map such as {$.type: location, "@.state": [ok, warn*]}, where "*" is anything that is there';

export const ROUTE = Type.Object({
  name: Type.String({
    description: 'Shown in dead letters, metrics and `tidegate explain`; not set: the topic.',
    allowed: 'a text',
    default: '',
  }),
  topic: Type.String({
    description: 'An MQTT filter whose levels may have names.',
    allowed: 'an MQTT filter such as devices/{device_id}/{metric_name}, site/+/# or site/{device_id}/{rest#}',
  }),
  qos: Type.Enum([0, 1], {
    description: 'The quality of service to subscribe with; only 1 loses nothing.',
    allowed: '0 or 1',
    default: 1,
  }),
  format: Type.Enum(FORMAT_NAMES, {
    description: `What the payload is (docs/formats.md). ${FORMAT_NAMES.map((name) => `${name}: ${FORMATS[name].what}`).join('; ')}.`,
    allowed: FORMAT_NAMES.join(', '),
    default: 'auto',
  }),
  ignore: Type.Array(Type.String({ minLength: 1 }), {
    description:
      'Topics that the route does not take: filters in which # may stand anywhere and * is any characters of a level. If no later route takes them, their messages are ignored.',
    allowed: 'a list of filters such as [zigbee2mqtt/bridge/#, "zigbee2mqtt/#/set"]',
    default: [],
  }),
  when: Type.Optional(
    conditions(
      'What a message as it is sent (or, by @, an item) must hold to be taken: expressions, and the texts that they may be. If no later route takes a message, it is ignored.',
    ),
  ),
  unless: Type.Optional(conditions('What a message (or, by @, an item) must not hold; as `when`.')),
  base64: Type.Optional(
    Type.Record(Type.String(), Type.Enum(EMBEDDED), {
      description:
        'Where the document has base64 of another format, and which: the other keys then find there what it holds. `$` is the whole payload.',
      allowed: `a map of paths to formats (${EMBEDDED.join(', ')}), such as {$.data: cbor}`,
    }),
  ),
  transform: Type.Optional(
    Type.String({
      description:
        'JMESPath (https://jmespath.site) that makes another document of the payload, which the other keys then read: for shapes that they cannot.',
      allowed: 'a JMESPath expression such as zip(names, values)[*].{metric_name: [0], value: [1]}',
    }),
  ),
  device_id: expressionKey(
    'The device; not set: the level {device_id} of the topic, else what the format says (line_protocol: the tag host, senml: the base name).',
  ),
  device_name: expressionKey(
    'What people call the device, stored with it; it may change while device_id stays.',
  ),
  metric_name: expressionKey(
    'The metric; not set: the level {metric_name}, else each key of an object is a metric.',
  ),
  value: expressionKey(
    'The value; not set: the payload itself where it is a scalar, else its `value`. A path with a wildcard, `$.*.power`, leads to an object of metrics.',
  ),
  value_is: Type.Optional(
    Type.Enum(['unit'], {
      description:
        "unit: the values are no points but the units of the series, said of each with its next point; for devices that publish them apart. Not set: they are the series' values.",
      allowed: 'unit',
    }),
  ),
  values: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
      description:
        'Metrics one by one, beside those of value or metric_name; without either only these are taken. What is not there is left out.',
      allowed:
        'a map of names to expressions, such as {rssi: "$.radio[0].rssi", "{key}.power": "$.phases.*.power"}',
    }),
  ),
  timestamp: expressionKey("The time; not set: the payload's `timestamp`, else the arrival."),
  each: Type.Optional(
    Type.String({
      description:
        'Where the items are, each a point or, without a metric_name, an object of metrics: an array, an object, or what a path with wildcards leads to.',
      allowed: 'a path such as $.readings or $.devices[*].readings[*]',
    }),
  ),
  flatten: Type.Union([Type.Boolean(), Type.Literal('arrays')], {
    description:
      'Takes the values of nested objects too, or of objects and arrays, their keys joined: `ENERGY.Power`, `ENERGY.Power.0`.',
    allowed: 'true, false or arrays',
    default: false,
  }),
  separator: Type.String({
    description: 'Joins the keys of what is flattened.',
    allowed: 'a text',
    default: '.',
  }),
  on_nested: Type.Enum(['dead_letter', 'skip'], {
    description: 'What happens to objects and arrays where a value is expected.',
    allowed: 'dead_letter or skip',
    default: 'dead_letter',
  }),
  metrics: Type.Optional(
    Type.Record(Type.String(), METRIC, {
      description:
        'What is known of metrics, by their names as sent, `*` for any characters. Of all patterns that match, the first that has a key says it.',
      allowed: 'a map such as {"*.temp": {scale: 0.1}, "*": {name: "{level}.{metric_name}"}}',
    }),
  ),
  tags: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
      description: 'Stored with each series, in iot_series. What is not there is left out.',
      allowed: 'a map of names to expressions, such as {site: berlin, line: "{line}", "{key}": "@.tags.*"}',
    }),
  ),
  metric_tags: Type.Optional(
    Type.Array(Type.String(), {
      description:
        "Of line_protocol: the tags that become part of a metric's name, `cpu.usage_idle,cpu=cpu0`; not set: all but the device's. All are also kept as tags of the series.",
      allowed: 'a list of tags such as [cpu, device]; [] for none',
    }),
  ),
  include: Type.Array(Type.String(), {
    description: 'Only metrics with one of these names, as sent, `*` for any characters; empty: all.',
    allowed: 'a list of names such as [temp*, humidity]',
    default: [],
  }),
  exclude: Type.Array(Type.String(), {
    description: 'No metrics with one of these names, even if included.',
    allowed: 'a list of names such as [*_raw, linkquality]',
    default: [],
  }),
  time_zone: Type.Refine(
    Type.String({
      description: 'The zone of timestamps that carry none.',
      allowed: 'an IANA time zone such as UTC or Europe/Berlin',
      default: 'UTC',
    }),
    isTimeZone,
  ),
  time_unit: Type.Enum(['auto', 's', 'ms', 'us', 'ns'], {
    description: 'The unit of numeric timestamps since 1970; auto goes by their size.',
    allowed: 'auto, s, ms, us or ns',
    default: 'auto',
  }),
  unset_before: Type.Optional(
    Type.Refine(
      Type.String({
        description:
          'A day (UTC); times before it are those of clocks that were not set yet, and say nothing: the arrival takes their place. Not set: times are what they are.',
        allowed: 'a day such as 2000-01-01',
      }),
      isDay,
    ),
  ),
  on_text: Type.Enum(['store_changes', 'store', 'drop'], {
    description:
      'What happens to texts: stored where they differ from the one before (all, of a metric that has numbers too: one may have come between), all stored, or dropped.',
    allowed: 'store_changes, store or drop',
    default: 'store_changes',
  }),
  on_backlog: Type.Enum(['store', 'skip', 'dead_letter'], {
    description:
      'What happens to values without a time of their own that waited at the broker: stored under their arrival here, skipped, or kept as a dead letter.',
    allowed: 'store, skip or dead_letter',
    default: 'store',
  }),
  dedupe: Type.Optional(
    Type.Object(
      {
        by: Type.Enum(['payload']),
        within: Type.Refine(Type.String(), (text) => (readDuration(text) ?? 0) > 0),
      },
      {
        description:
          'Leaves out a message whose topic and payload are those of one that was taken so shortly before: of bridges and devices that send again, under a session of their own, what they do not know to have arrived. Remembered by the process, not beyond it.',
        allowed: 'such as {by: payload, within: 10s}',
        additionalProperties: false,
      },
    ),
  ),
  on_empty: Type.Enum(['dead_letter', 'skip'], {
    description:
      'What happens to messages without any bytes, with which retained values and vanished devices are taken back: kept as a dead letter, or skipped.',
    allowed: 'dead_letter or skip',
    default: 'dead_letter',
  }),
  null_words: Type.Array(Type.String(), {
    description: 'Texts that mean "no value", in any case of letters.',
    allowed: 'a list of texts',
    default: ['', 'null', 'none', 'unavailable', 'unknown', 'undefined', 'n/a'],
  }),
  booleans: Type.Object(
    {
      true: Type.Array(Type.String(), {
        default: ['true', 'on', 'yes', 'open', 'online', 'enabled', 'active'],
      }),
      false: Type.Array(Type.String(), {
        default: ['false', 'off', 'no', 'closed', 'close', 'offline', 'disabled', 'inactive'],
      }),
    },
    {
      description: 'Texts that mean 1 or 0, in any case of letters.',
      allowed: 'two lists of texts, such as {true: [on], false: [off]}',
      additionalProperties: false,
      default: {},
    },
  ),
});

/** Whoever builds a route may also write an optional key down as undefined. */
type OrUndefined<T> = { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] };

export type RouteConfig = OrUndefined<Static<typeof ROUTE>>;
export type RouteDefaults = Omit<RouteConfig, 'name' | 'topic'>;

/** What a route has that says nothing but its topic. */
export function routeDefaults(): RouteDefaults {
  const { name: _name, ...defaults } = Value.Default(ROUTE, {}) as RouteDefaults & { name: string };
  return defaults;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && Number.isFinite(Date.parse(text));
}

function conditions(description: string) {
  return Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
    description,
    allowed: CONDITIONS,
  });
}
