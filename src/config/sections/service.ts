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
  max_connections: {
    doc: 'Connections at once, those that listen to /api/live among them; more are closed at once, and the log says so.',
    format: 'integer',
    default: 1_000,
    minimum: 10,
    maximum: 100_000,
  },
  live_clients: {
    doc: 'Clients that may listen to new points (/api/live) at once; another one gets a 503.',
    format: 'integer',
    default: 100,
    maximum: 10_000,
  },
  allow_anonymous: {
    doc: 'Answers beyond loopback without a token.',
    format: 'flag',
    default: false,
  },
  tls: {
    cert: {
      doc: 'The certificate (PEM), with those that lead to its authority after it: HTTPS instead of HTTP. Read again when it changes.',
      format: 'file',
      default: null,
    },
    key: {
      doc: 'The private key of http.tls.cert (PEM).',
      format: 'file',
      default: null,
    },
    hsts: {
      doc: 'How long browsers refuse plain HTTP of this host name, on any port (Strict-Transport-Security); 0 does not ask for it.',
      format: 'seconds',
      default: '365d',
    },
  },
  max_body: {
    doc: 'The largest body of a request.',
    format: 'bytes',
    default: '1MiB',
    minimum: '1KiB',
    maximum: '64MiB',
  },
  request_timeout: {
    doc: 'How long a client may take to send a request.',
    format: 'duration',
    default: '10s',
    minimum: '100ms',
    maximum: '1h',
  },
  rate_limit: {
    doc: 'Requests a minute of one client, which is a token or, without one, an address; 0 is no limit. Health endpoints have none.',
    format: 'integer',
    default: 6_000,
  },
  cors: {
    origins: {
      doc: 'Sites whose pages may ask from a browser; none by default.',
      format: 'origins',
      default: null,
      example: '[https://dashboard.example.com]',
    },
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
