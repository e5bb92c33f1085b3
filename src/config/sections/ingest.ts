import type { Section } from '../key.ts';

const batch = {
  max_points: {
    doc: 'A batch is written once it has this many points; one of many points of each series grows on while no writer is free.',
    format: 'integer',
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
  },
  max_bytes: {
    doc: 'A batch is written once it holds this much memory.',
    format: 'bytes',
    default: '8MiB',
    minimum: '1KiB',
    maximum: '1GiB',
  },
  max_wait: {
    doc: 'A batch is written once its first message has waited this long.',
    format: 'duration',
    default: '1s',
    minimum: '1ms',
    maximum: '1h',
  },
  min_wait: {
    doc: 'A batch waits at least this long although a writer is idle; 5s, say, spares an SD card.',
    format: 'duration',
    default: '0',
    maximum: '1h',
  },
} as const satisfies Section;

const queue = {
  max_points: {
    doc: 'Points held in memory before Tidegate takes no more from the broker.',
    format: 'integer',
    default: 100_000,
    minimum: 1,
    maximum: 100_000_000,
  },
  max_bytes: {
    doc: 'Memory of messages held before Tidegate takes no more from the broker.',
    format: 'bytes',
    default: '64MiB',
    minimum: '1KiB',
    maximum: '16GiB',
  },
} as const satisfies Section;

const dense = {
  min_points: {
    doc: 'A batch with so many points of a series stores them compressed at once, past triggers on tidegate.points; 0: never. Engine postgres.',
    format: 'integer',
    default: 16,
    minimum: 0,
    maximum: 1_000_000,
  },
} as const satisfies Section;

const limits = {
  message_bytes: {
    doc: 'A longer payload, as it is or unpacked, is a dead letter.',
    format: 'bytes',
    default: '2MiB',
    minimum: '1KiB',
    maximum: '256MiB',
  },
  points_per_message: {
    doc: 'A message with more points, or more than a fifth as many objects, lines or metrics of Sparkplug (and 1,000), is a dead letter; while one is decoded, all others wait.',
    format: 'integer',
    default: 50_000, // Telegraf's largest batches: 5,000 lines of ten fields
    minimum: 1,
    maximum: 10_000_000,
  },
  names_per_message: {
    doc: 'A message with more different names (metrics, keys, devices, beginnings of lines) is a dead letter: names are what takes time.',
    format: 'integer',
    default: 6_000,
    minimum: 1,
    maximum: 10_000_000,
  },
  nesting: {
    doc: 'A payload nested deeper (arrays and objects within one another) is a dead letter.',
    format: 'integer',
    default: 32,
    minimum: 1,
    maximum: 1000,
  },
  name_length: {
    doc: 'Characters of a device_id or metric_name; a point with a longer one is a dead letter.',
    format: 'integer',
    default: 255,
    minimum: 1,
    maximum: 300, // two names of four-byte characters still fit an index entry of PostgreSQL (2704 bytes)
  },
  text_length: {
    doc: 'Characters of a text value; a longer one is a dead letter.',
    format: 'integer',
    default: 65_536,
    minimum: 1,
    maximum: 16_777_216,
  },
} as const satisfies Section;

export const ingest = {
  workers: {
    doc: 'Processes among which the messages are divided; from 2 on mqtt.share_group is needed (docs/operations.md).',
    format: 'integer',
    default: 1,
    minimum: 1,
    maximum: 64,
  },
  batch,
  queue,
  dense,
  on_duplicate: {
    doc: 'Which value stays where a point (device, metric, timestamp) arrives with a second one.',
    format: 'choice',
    choices: ['keep_first', 'keep_last'],
    default: 'keep_first',
  },
  qos0: {
    doc: 'Which QoS 0 messages go, counted, when the queue is full: those that arrive or those that wait.',
    format: 'choice',
    choices: ['drop_newest', 'drop_oldest'],
    default: 'drop_newest',
  },
  retained: {
    doc: 'What happens to retained messages: skipped, stored, or stored if their payload changed.',
    format: 'choice',
    choices: ['skip', 'store', 'if_changed'],
    default: 'skip',
  },
  max_future: {
    doc: 'A point further in the future is a dead letter.',
    format: 'duration',
    default: '1d',
    maximum: '36500d',
  },
  max_age: {
    doc: 'A point older than this is a dead letter; not set: every age is taken.',
    format: 'duration',
    default: null,
    minimum: '1s',
    maximum: '36500d',
    example: '365d',
  },
  max_series: {
    doc: 'Points of further new series (device, metric) are dead letters.',
    format: 'integer',
    default: 1_000_000,
    minimum: 1,
    maximum: 2_147_483_647,
  },
  ledger: {
    doc: 'Keeps which messages were stored, so that one without a time of its own that the broker sends again is stored once.',
    format: 'flag',
    default: true,
  },
  limits,
} as const satisfies Section;
