/** What openapi.json says beside the schemas of the single endpoints. */

import type { SwaggerOptions } from '@fastify/swagger';
import type { RouteOptions } from 'fastify';

const TAGS: Readonly<Record<string, string>> = {
  metrics: 'Points and aggregates',
  devices: 'Devices, and what they measured',
  latest: 'The latest values',
  live: 'New points as they are stored',
  anomaly: 'Values that are unlike those before them',
  stats: 'How much comes in, and how long questions take',
  explain: 'Trying routes out',
  'dead-letters': 'Messages that could not be stored',
  chunks: 'Chunks: how points are kept',
  compression: 'What compression saves',
  jobs: 'The jobs of the scheduler',
  service: 'For service managers and monitoring',
};

const DESCRIPTION = `Every path under /api is also there under /api/v1.

Where \`http.tokens\` are configured, all but the health endpoints and this description need one:
\`Authorization: Bearer TOKEN\`. Orders (all that is not GET, but for POST /api/explain) need one with the scope operator.

Times are ISO 8601 in UTC with microseconds. NaN and the infinities, which JSON does not have, are the texts "NaN",
"Infinity" and "-Infinity".

Errors are problem details (RFC 9457): 400 names the parameter that is wrong, 401 and 403 are about the token, 404 is
about what is not there, 413 and 429 are about too much, and 503 with Retry-After says that the database is away.`;

export function swaggerOptions(version: string, needsToken: boolean): SwaggerOptions {
  return {
    // Their names are those that they have here.
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        (schema['$id'] as string | undefined) ?? `${index}`,
    },
    transform: ({ schema, url }) => ({
      schema: {
        ...schema,
        ...(schema.querystring !== undefined && { querystring: asked(schema.querystring as Parts) }),
        ...(schema.body !== undefined && { body: asked(schema.body as Parts) }),
      },
      url,
    }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tidegate',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(needsToken && { security: [{ token: [] }] }),
    },
  };
}

interface Parts {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>;
}

/** What has a default is always there for us, but need not be given. */
function asked({ required = [], ...schema }: Parts): Parts {
  return { ...schema, required: required.filter((name) => schema.properties?.[name]?.default === undefined) };
}

const PROBLEM = {
  description: 'What went wrong',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
};

/** Adds what is the same for all endpoints under a prefix (/api, /api/v1, or none). */
export function describeRoute(route: RouteOptions, prefix: string): void {
  const [, area = ''] = route.url.slice(prefix.length).split('/');
  const { response = {}, ...schema } = route.schema ?? {};
  route.schema = {
    ...schema,
    tags: [prefix === '' ? 'service' : area],
    hide: schema.hide === true || prefix === '/api/v1',
    response: {
      ...answers(response as Readonly<Record<string, object>>),
      ...(prefix !== '' && { '4xx': PROBLEM, '5xx': PROBLEM }),
    },
    ...(route.config?.open === true && { security: [] }),
  };
}

function answers(response: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(response).map(([status, schema]) => [status, { description: 'The answer', ...schema }]),
  );
}
