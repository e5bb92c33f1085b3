import type { Section } from '../key.ts';

/** How long what is deleted after a while is kept at least: cuts align to whole days. */
const SHORTEST_RETENTION = '1 day';
const LONGEST = '36500d';

function aggregate(
  bucket: string,
  twoBuckets: string,
  startOffset: string,
  endOffset: string,
  scheduleInterval: string,
) {
  return {
    enabled: {
      doc: `Keeps the rows of ${bucket}; else they are computed when somebody asks.`,
      format: 'flag',
      default: true,
    },
    start_offset: {
      doc: 'Late points this recent are refreshed first, completely; older ones after them, a part a run.',
      format: 'duration',
      default: startOffset,
      minimum: twoBuckets,
      maximum: LONGEST,
    },
    end_offset: {
      doc: 'Buckets this recent are not kept yet but answered live.',
      format: 'duration',
      default: endOffset,
      maximum: LONGEST,
    },
    schedule_interval: {
      doc: 'The time between two refreshes.',
      format: 'duration',
      default: scheduleInterval,
      minimum: '1s',
      maximum: '30d',
    },
  } as const satisfies Section;
}

function retention(doc: string) {
  return {
    doc,
    format: 'duration',
    default: null,
    minimum: SHORTEST_RETENTION,
    maximum: LONGEST,
    example: '365d',
  } as const;
}

function keptFor(doc: string) {
  return {
    doc,
    format: 'duration',
    default: '30d',
    minimum: SHORTEST_RETENTION,
    maximum: LONGEST,
  } as const;
}

const compression = {
  enabled: {
    doc: 'Compresses old chunks, without losing a bit.',
    format: 'flag',
    default: true,
  },
  after: {
    doc: 'A chunk that ends this long ago is compressed.',
    format: 'duration',
    default: '7 days',
    minimum: '1h',
    maximum: LONGEST,
  },
  schedule_interval: {
    doc: 'The time between two looks for chunks to compress.',
    format: 'duration',
    default: '1h',
    minimum: '1s',
    maximum: '30d',
  },
} as const satisfies Section;

export const policies = {
  chunk_interval: {
    doc: 'The span of time that one partition holds; a change applies to new partitions.',
    format: 'chunk_interval',
    default: '1 day',
    minimum: '1min',
    maximum: '365 days',
  },
  aggregates: {
    '1min': aggregate('1 minute', '2min', '1h', '1min', '1min'),
    '15min': aggregate('15 minutes', '30min', '4h', '15min', '15min'),
    '1hour': aggregate('1 hour', '2h', '1 day', '1h', '1h'),
    '1day': aggregate('1 day', '2 days', '30 days', '1 day', '1 day'),
  },
  compression,
  retention: {
    raw: retention('How long numeric points are kept; not set: for ever.'),
    text: retention('How long texts are kept; not set: for ever.'),
    '1min': retention('How long the 1-minute aggregate is kept; not set: for ever.'),
    '15min': retention('How long the 15-minute aggregate is kept; not set: for ever.'),
    '1hour': retention('How long the 1-hour aggregate is kept; not set: for ever.'),
    '1day': retention('How long the 1-day aggregate is kept; not set: for ever.'),
    query_log: keptFor('How long iot_query_logs goes back.'),
    job_history: keptFor('How long the runs of jobs are kept.'),
    schedule_interval: {
      doc: 'The time between two looks for data to delete.',
      format: 'duration',
      default: '1h',
      minimum: '1s',
      maximum: '30d',
    },
  },
  longest_hold: {
    doc: 'A value counts for its series until the next one, at most this long (time_weighted_avg, how long states last).',
    format: 'duration',
    default: '1 day',
    minimum: '1s',
    maximum: LONGEST,
  },
  series: {
    doc: 'What is different for some series; the first item that matches a series is its policy.',
    format: 'items',
    default: '[]',
    example: '[{metric_name: "*_total", counter_rollover: 4294967296}]',
  },
} as const satisfies Section;

export const dead_letters = {
  retention: keptFor('How long dead letters are kept.'),
  max_bytes: {
    doc: 'Beyond it the oldest dead letters go: bytes of their payloads, topics and reasons, and 200 for each.',
    format: 'bytes',
    default: '1GiB',
    minimum: '1MiB',
    maximum: '16384GiB',
  },
} as const satisfies Section;
