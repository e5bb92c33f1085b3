/**
 * The formats of keys. File and environment are read alike: every scalar is text until its format reads it, so that
 * `password: 0123` stays what was written.
 */

import { accessSync, constants } from 'node:fs';
import { parse } from 'yaml';
import type { Key } from './key.ts';
import { DAY, readBytes, readDuration } from './units.ts';

export interface Format<Value> {
  /** The value that a text means; undefined where it means none. Without it the text is the value. */
  readonly read?: (text: string) => Value | undefined;
  readonly holds: (value: unknown, key: Key) => value is Value;
  /** What is allowed, for people. */
  readonly allowed: (key: Key) => string;
}

const duration: Format<number> = {
  read: readDuration,
  holds: (value, key): value is number => isWithin(value, key, readDuration),
  allowed: (key) => `a duration such as 500ms, 30s, 12h or 7d${range(key)}`,
};

const seconds: Format<number> = {
  read: readDuration,
  holds: (value, key): value is number => isWithin(value, key, readDuration) && value % 1000 === 0,
  allowed: (key) => `a duration of whole seconds such as 30s or 7d${range(key)}`,
};

const chunkInterval: Format<number> = {
  read: readDuration,
  holds: (value, key): value is number =>
    isWithin(value, key, readDuration) && (value % DAY === 0 || DAY % value === 0),
  allowed: (key) => `whole days or a divisor of a day, such as 6h, 1 day or 7 days${range(key)}`,
};

const bytes: Format<number> = {
  read: readBytes,
  holds: (value, key): value is number => isWithin(value, key, readBytes),
  allowed: (key) => `a size such as 512KiB or 64MiB${range(key)}`,
};

const integer: Format<number> = {
  read: readInteger,
  holds: (value, key): value is number => isWithin(value, key, readInteger),
  allowed: (key) => `a whole number${range(key)}`,
};

const flag: Format<boolean> = {
  read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  holds: (value) => typeof value === 'boolean',
  allowed: () => 'true or false',
};

const text: Format<string> = {
  holds: (value) => typeof value === 'string',
  allowed: () => 'a text',
};

/** Checked here, at the start, because a missing file would only show when a connection fails. */
const file: Format<string> = {
  holds: (value): value is string => typeof value === 'string' && isReadable(value),
  allowed: () => 'the path of a file that exists and can be read',
};

const identifier: Format<string> = {
  holds: (value, key): value is string =>
    typeof value === 'string' &&
    /^(?!pg_)[a-z_][a-z0-9_]*$/.test(value) &&
    value.length <= Number(key.maximum),
  allowed: (key) =>
    `at most ${key.maximum} lower-case letters, digits and underscores, not beginning with a digit or pg_`,
};

const choice: Format<string> = {
  holds: (value, key): value is string => typeof value === 'string' && key.choices?.includes(value) === true,
  allowed: (key) => `one of ${key.choices?.join(', ')}`,
};

const choices: Format<readonly string[]> = {
  read: readList,
  holds: (value, key): value is string[] =>
    isFilledList(value) &&
    value.every((item) => choice.holds(item, key)) &&
    new Set(value).size === value.length,
  allowed: (key) => `one or more of ${key.choices?.join(', ')}, each once`,
};

/** MQTT 5, section 4.7: no wildcards in the name of a topic, and those with $ are the broker's. */
const publishTopic: Format<string> = {
  holds: (value, key): value is string =>
    typeof value === 'string' &&
    /^[^$+#\0]/.test(value) &&
    !/[+#\0]/.test(value) &&
    value.isWellFormed() &&
    value.length <= 1_000 &&
    !/[{}]/.test(
      value.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
        key.placeholders?.includes(name) ? '' : whole,
      ),
    ),
  allowed: ({ placeholders = [] }) =>
    `a topic without wildcards${placeholders.length === 0 ? '' : `; ${placeholders.map((name) => `{${name}}`).join(' and ')} may stand in it`}`,
};

const topicLevels: Format<readonly string[]> = {
  read: readList,
  holds: (value): value is string[] =>
    isFilledList(value) && value.every((level) => /^[^/+#\0]+$/.test(level)),
  allowed: () => 'a list of words without /, + and #',
};

const brokerUrl: Format<string> = {
  holds: (value): value is string => isUrl(value, /^(mqtts?|wss?):$/),
  allowed: () => 'mqtt://, mqtts://, ws:// or wss:// with a host',
};

const brokerUrls: Format<readonly string[]> = {
  read: readList,
  holds: (value): value is string[] =>
    isFilledList(value) && value.every((item) => isUrl(item, /^(mqtts?|wss?):$/)),
  allowed: (key) => `a list of URLs: ${brokerUrl.allowed(key)}`,
};

const databaseUrl: Format<string> = {
  holds: (value): value is string =>
    typeof value === 'string' && /^postgres(ql)?:\/\//.test(value) && URL.canParse(value),
  allowed: () => 'postgres://user:password@host:port/database (special characters percent-encoded)',
};

const origins: Format<readonly string[]> = {
  read: readList,
  holds: (value): value is string[] =>
    isFilledList(value) && value.every((item) => isUrl(item, /^https?:$/) && new URL(item).origin === item),
  allowed: () => 'a list of origins as browsers send them, such as https://dashboard.example.com',
};

const PROTOCOL_VERSIONS: Readonly<Record<string, 4 | 5>> = { '5': 5, '5.0': 5, '4': 4, '3.1.1': 4 };
const protocolVersion: Format<4 | 5> = {
  read: (text) => PROTOCOL_VERSIONS[text],
  holds: (value): value is 4 | 5 => value === 4 || value === 5,
  allowed: () => '5, or 3.1.1 (also written 4)',
};

/** A list of objects, whose items are then checked one by one (items.ts). */
const items: Format<readonly unknown[]> = {
  read: readYaml,
  holds: (value) => Array.isArray(value),
  allowed: () => 'a list (in an environment variable as YAML or JSON)',
};

export const FORMATS = {
  duration,
  seconds,
  chunk_interval: chunkInterval,
  bytes,
  integer,
  flag,
  text,
  file,
  identifier,
  choice,
  choices,
  publish_topic: publishTopic,
  topic_levels: topicLevels,
  broker_url: brokerUrl,
  broker_urls: brokerUrls,
  database_url: databaseUrl,
  origins,
  protocol_version: protocolVersion,
  items,
} as const satisfies Record<string, Format<unknown>>;
export type FormatName = keyof typeof FORMATS;

export function allowed(key: Key): string {
  return FORMATS[key.format].allowed(key);
}

export function holds(value: unknown, key: Key): boolean {
  return value === null
    ? key.default === null && key.required !== true
    : FORMATS[key.format].holds(value, key);
}

function readInteger(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** `a, b` or a list in YAML or JSON. */
function readList(text: string): string[] | undefined {
  if (!text.startsWith('[')) {
    return text.split(',').map((item) => item.trim());
  }
  const list = readYaml(text);
  return isFilledList(list) ? list : undefined;
}

function readYaml(text: string): unknown[] | undefined {
  try {
    const list: unknown = parse(text, { schema: 'failsafe', logLevel: 'error' });
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: unknown, key: Key, read: (text: string) => number | undefined): value is number {
  const bound = (limit: string | number | undefined) => (typeof limit === 'string' ? read(limit) : limit);
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = key;
  return typeof value === 'number' && value >= (bound(minimum) ?? 0) && value <= (bound(maximum) ?? 0);
}

function range({ minimum, maximum }: Key): string {
  const from = minimum === undefined ? '' : `, at least ${minimum}`;
  return maximum === undefined ? from : `${from}, at most ${maximum}`;
}

function isFilledList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

function isUrl(value: unknown, protocol: RegExp): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) {
    return false;
  }
  const url = new URL(value);
  return protocol.test(url.protocol) && url.hostname !== '' && /^[a-z]+:\/\//i.test(value);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
