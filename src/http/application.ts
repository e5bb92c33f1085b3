/** The HTTP application without its socket: tests ask it by `inject`. */

import swagger from '@fastify/swagger';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { Type } from 'typebox';
import { FAILURES, type FailureCode, TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { type Access, UNLIMITED } from './access.ts';
import { carriedToken, foreignHeader, isLoopback, type Token } from './guard.ts';
import { chunkRoutes } from './chunk-routes.ts';
import { describeRoute, swaggerOptions } from './description.ts';
import { deviceRoutes, LONGEST_PARAMETER } from './device-routes.ts';
import { docsRoutes } from './docs-routes.ts';
import { explainRoutes } from './explain-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { letterRoutes } from './letter-routes.ts';
import { metricRoutes } from './metric-routes.ts';
import type { HttpPorts } from './ports.ts';
import { ProblemSchema, sendProblem } from './problem.ts';
import { statsRoutes } from './stats-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of whoever asks. */
    access: Access;
  }
  interface FastifyContextConfig {
    /** Answers without a token. */
    open?: boolean;
    /** Takes no order although it is no GET: everybody may. */
    looks?: boolean;
  }
}

export interface ApplicationOptions {
  /** Where the server will listen: on loopback, requests from pages of other sites are refused. */
  readonly host: string;
  /** With any, all but the health endpoints need one. */
  readonly tokens: readonly Token[];
  /** Of Tidegate, for openapi.json. */
  readonly version: string;
  readonly logger: Logger;
  readonly ports: HttpPorts;
}

/** Errors that are the asker's. */
const STATUS: Readonly<Partial<Record<FailureCode, number>>> = {
  usage: 400,
  chunk_unknown: 404,
  chunk_state: 409,
  dead_letter_unknown: 404,
  device_unknown: 404,
  replay_running: 409,
};
/** The database answers nobody now, or not this. */
const AWAY: ReadonlySet<FailureCode> = new Set([
  'database_unreachable',
  'database_refused',
  'database_tls',
  'query_timeout',
]);
const BODY_LIMIT_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_AFTER_SECONDS = 5;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export async function buildApplication(options: ApplicationOptions): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, error.statusCode ?? 400, error.message);
    },
  });
  app.addSchema(ProblemSchema);
  guard(app, options);
  reportErrors(app, options.logger);
  await app.register(swagger, swaggerOptions(options.version, options.tokens.length > 0));
  // In a plugin of their own, so that swagger is there to see them.
  await app.register(async (root) => routes(root, options));
  await app.register(docsRoutes);
  await app.ready();
  return app;
}

function guard(app: FastifyInstance, { host, tokens }: ApplicationOptions): void {
  const loopback = isLoopback(host);
  app.decorateRequest('access');
  app.addHook('onRequest', async (request, reply) => {
    request.access = UNLIMITED;
    reply.headers(HEADERS);
    const foreign = loopback ? foreignHeader(request.headers) : null;
    if (foreign !== null) {
      return sendProblem(
        reply,
        403,
        `The ${foreign} header is not of this machine, which is all that may ask here.`,
      );
    }
    const { open, looks } = request.routeOptions.config;
    if (tokens.length === 0 || open === true) return undefined;
    const token = carriedToken(request.headers.authorization, tokens);
    if (token === null) {
      reply.header('www-authenticate', 'Bearer realm="tidegate"');
      return sendProblem(reply, 401, 'A valid token is needed: Authorization: Bearer TOKEN.');
    }
    const { name, scope, devices } = token;
    request.access = { name, operator: scope === 'operator', devices: devices.length === 0 ? null : devices };
    if (request.access.operator || looks === true || ['GET', 'HEAD', 'OPTIONS'].includes(request.method)) {
      return undefined;
    }
    reply.header('www-authenticate', 'Bearer realm="tidegate", error="insufficient_scope", scope="operator"');
    return sendProblem(reply, 403, `The token ${name} only reads: orders take one with the scope operator.`);
  });
}

function reportErrors(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler((request, reply) => {
    return sendProblem(reply, 404, `There is no ${request.method} ${request.url.split('?')[0]}.`);
  });
  app.setErrorHandler<FastifyError | TidegateError>((error, request, reply) => {
    if (error instanceof TidegateError && AWAY.has(error.code)) {
      reply.header('retry-after', RETRY_AFTER_SECONDS);
      return sendProblem(reply, 503, FAILURES[error.code].means);
    }
    const known = error instanceof TidegateError ? STATUS[error.code] : undefined;
    if (known !== undefined) return sendProblem(reply, known, error.message);
    const status = ('statusCode' in error && error.statusCode) || 500;
    if (status < 500) return sendProblem(reply, status, error.message);
    logger.error({ error, method: request.method, url: request.url }, 'An HTTP request failed');
    return sendProblem(reply, status, 'Tidegate failed to answer; its log has the reason.');
  });
}

async function routes(app: FastifyInstance, { ports, logger }: ApplicationOptions): Promise<void> {
  await app.register(async (service) => {
    service.addHook('onRoute', (route) => describeRoute(route, ''));
    healthRoutes(service, ports);
    service.get(
      '/metrics',
      {
        schema: {
          summary: 'Metrics in the text format of Prometheus',
          response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
        },
      },
      async (_request, reply) => {
        const { body, contentType } = await ports.metricsText();
        return reply.type(contentType).send(body);
      },
    );
  });
  for (const prefix of ['/api', '/api/v1']) {
    await app.register(
      async (api) => {
        api.addHook('onRoute', (route) => describeRoute(route, prefix));
        statsRoutes(api, ports);
        chunkRoutes(api, ports);
        jobRoutes(api, ports);
        letterRoutes(api, ports);
        deviceRoutes(api, ports);
        metricRoutes(api, ports, logger);
        explainRoutes(api, ports);
      },
      { prefix },
    );
  }
}
