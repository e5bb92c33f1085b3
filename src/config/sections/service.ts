import type { Section } from '../key.ts';

/** Keys at the top of the file. */
export const general = {
  components: {
    doc: 'What this process does: ingest writes messages, scheduler applies the policies, api answers over HTTP.',
    format: 'choices',
    choices: ['ingest', 'scheduler', 'api'],
    default: '[ingest, scheduler, api]',
  },
  startup_timeout: {
    doc: 'How long to wait at the start for a broker or a database that does not answer; 0 waits for ever.',
    format: 'duration',
    default: '15s',
    maximum: '1d',
  },
  shutdown_timeout: {
    doc: 'How long SIGTERM waits for what was received to be written.',
    format: 'duration',
    default: '30s',
    minimum: '1s',
    maximum: '1d',
  },
} as const satisfies Section;

export const http = {
  host: {
    doc: 'The address to listen on; beyond loopback only with tokens or allow_anonymous.',
    format: 'text',
    default: '127.0.0.1',
  },
  port: {
    doc: 'The port to listen on; 0 takes a free one.',
    format: 'integer',
    default: 8001,
    maximum: 65_535,
  },
  tokens: {
    doc: 'Bearer tokens that are let in: a name for each and the SHA-256 of the token in hex.',
    format: 'items',
    default: '[]',
    sensitive: true,
  },
  allow_anonymous: {
    doc: 'Answers beyond loopback without a token.',
    format: 'flag',
    default: false,
  },
} as const satisfies Section;

export const log = {
  level: {
    doc: 'The least severe level that is logged.',
    format: 'choice',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    default: 'info',
  },
  format: {
    doc: 'json is a line an event; pretty is for people; auto is pretty on a terminal.',
    format: 'choice',
    choices: ['auto', 'json', 'pretty'],
    default: 'auto',
  },
} as const satisfies Section;

export const routes = {
  doc: 'Which topics are subscribed and how their payloads become points; the first route that matches takes the message.',
  format: 'items',
  default: '[{topic: "devices/{device_id}/{metric_name}"}, {topic: "devices/{device_id}"}]',
} as const;
