import type { Section } from '../key.ts';

export const database = {
  url: {
    doc: 'The database, as a connection URI of PostgreSQL.',
    format: 'database_url',
    default: null,
    required: true,
    sensitive: true,
    example: 'postgres://tidegate@localhost:5432/tidegate',
  },
  migrate_url: {
    doc: 'The same database for a role that owns and migrates the schema; not set: database.url.',
    format: 'database_url',
    default: null,
    sensitive: true,
    example: 'postgres://tidegate_owner@localhost:5432/tidegate',
  },
  query_url: {
    doc: 'The same database for a role that only reads (database.reader_role), or a standby: what the API answers comes from there; not set: database.url.',
    format: 'database_url',
    default: null,
    sensitive: true,
    example: 'postgres://tidegate_reader@localhost:5432/tidegate',
  },
  query_connections: {
    doc: 'Questions to the API that are answered at once; more of them wait.',
    format: 'integer',
    default: 4,
    minimum: 1,
    maximum: 64,
  },
  query_timeout: {
    doc: 'Ends a question to the API that takes longer.',
    format: 'duration',
    default: '30s',
    minimum: '1s',
    maximum: '1d',
  },
  reader_role: {
    doc: 'A role that every migration lets read the views and functions.',
    format: 'identifier',
    default: null,
    maximum: 63,
    example: 'tidegate_reader',
  },
  engine: {
    doc: 'How chunks are kept; chosen at the first migration and recorded. auto takes timescaledb where it is created in the database, has 2.18 or newer and the licence timescale; else postgres, which needs nothing.',
    format: 'choice',
    choices: ['auto', 'postgres', 'timescaledb'],
    default: 'auto',
  },
  schema: {
    doc: 'The schema of views and functions; internals are in tidegate for public, else in <schema>_tidegate.',
    format: 'identifier',
    default: 'public',
    maximum: 50,
  },
  writers: {
    doc: 'Connections that write.',
    format: 'integer',
    default: 2,
    minimum: 1,
    maximum: 16,
  },
  statement_timeout: {
    doc: 'Ends a statement that takes longer.',
    format: 'duration',
    default: '60s',
    minimum: '1s',
    maximum: '1d',
  },
} as const satisfies Section;
