/**
 * One route: which topics it takes and how a payload becomes points. Expressions (`device_id`, `metric_name`, `value`,
 * `timestamp`, `each`) are constants with `{level}` placeholders for named topic levels (`plant-{area}`), or payload
 * paths: `$` is the payload, `@` the current item of `each` (the payload where there is none), then `.key`,
 * `["any key"]` or `[0]`.
 */
export interface RouteConfig {
  /** Shown in dead letters, metrics and explain; default: the topic. */
  name: string;
  /** An MQTT filter with named levels: `devices/{device_id}/{metric_name}`, `+`, a final `#` or `{rest#}`. */
  topic: string;
  qos: 0 | 1;
  format: 'auto' | 'value' | 'json';
  /** Default: `{device_id}` where the topic names that level. */
  device_id?: string | undefined;
  /** Default: `{metric_name}` where the topic names that level. */
  metric_name?: string | undefined;
  /** Default: the payload itself where it is a scalar, else its `value`. */
  value?: string | undefined;
  /** Default: the payload's `timestamp` where it is an object that has one. */
  timestamp?: string | undefined;
  /** Path of an array: each item becomes a point (or, without a metric_name, an object of metrics). */
  each?: string | undefined;
  /** Joins the keys of nested objects with a dot: `ENERGY.Power`. */
  flatten: boolean;
  /** Globs (`*`) on the metric name; default: all. */
  include: string[];
  exclude: string[];
  /** IANA zone of timestamps that carry none. */
  time_zone: string;
  /** Of numeric timestamps; auto goes by magnitude. */
  time_unit: 'auto' | 's' | 'ms' | 'us' | 'ns';
  on_text: 'store_changes' | 'store' | 'drop';
  /** Texts that mean "no value" (compared without case). */
  null_words: string[];
  /** Texts that mean 1 or 0 (compared without case). */
  booleans: { true: string[]; false: string[] };
}

export type RouteDefaults = Omit<RouteConfig, 'name' | 'topic'>;
