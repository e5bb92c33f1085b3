/**
 * One route: which topics it takes and how a payload becomes points. Expressions (`device_id`, `metric_name`, `value`,
 * `timestamp`, `each`) are constants with `{level}` placeholders for named topic levels (`plant-{area}`), or payload
 * paths: `$` is the payload, `@` the current item of `each` (the payload where there is none), then `.key`,
 * `["any key"]` or `[0]`.
 */

import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { FORMATS, FORMAT_NAMES } from '../decode/formats/table.ts';

const EXPRESSION = 'a text with {level} placeholders, or a path such as $.id, @.id or $["a key"][0]';

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
  device_id: Type.Optional(
    Type.String({
      description: 'The device; not set: the level {device_id} of the topic.',
      allowed: EXPRESSION,
    }),
  ),
  metric_name: Type.Optional(
    Type.String({
      description: 'The metric; not set: the level {metric_name}, else each key of an object is a metric.',
      allowed: EXPRESSION,
    }),
  ),
  value: Type.Optional(
    Type.String({
      description: 'The value; not set: the payload itself where it is a scalar, else its `value`.',
      allowed: EXPRESSION,
    }),
  ),
  timestamp: Type.Optional(
    Type.String({
      description: "The time; not set: the payload's `timestamp`, else the arrival.",
      allowed: EXPRESSION,
    }),
  ),
  each: Type.Optional(
    Type.String({
      description:
        'An array whose items become a point each or, without a metric_name, an object of metrics each.',
      allowed: 'a path such as $.readings',
    }),
  ),
  flatten: Type.Boolean({
    description: 'Takes the values of nested objects too, their keys joined by a dot: `ENERGY.Power`.',
    allowed: 'true or false',
    default: false,
  }),
  include: Type.Array(Type.String(), {
    description: 'Only metrics with one of these names, `*` for any characters; empty: all.',
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
  on_text: Type.Enum(['store_changes', 'store', 'drop'], {
    description:
      'What happens to texts: stored where they differ from the one before, all stored, or dropped.',
    allowed: 'store_changes, store or drop',
    default: 'store_changes',
  }),
  on_backlog: Type.Enum(['store', 'skip', 'dead_letter'], {
    description:
      'What happens to values without a time of their own that waited at the broker: stored under their arrival here, skipped, or kept as a dead letter.',
    allowed: 'store, skip or dead_letter',
    default: 'store',
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
        default: ['false', 'off', 'no', 'closed', 'offline', 'disabled', 'inactive'],
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
