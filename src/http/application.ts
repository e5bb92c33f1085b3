/** The HTTP application without its socket: tests ask it by `inject`. */

import type { Server as TlsServer } from 'node:https';
import swagger from '@fastify/swagger';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { Type } from 'typebox';
import { FAILURES, type FailureCode, TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { Certificate, type CertificateFiles } from './certificate.ts';
import { anomalyRoutes } from './anomaly-routes.ts';
import { chunkRoutes } from './chunk-routes.ts';
import { lateCompilers } from './compilers.ts';
import { describeRoute, swaggerOptions } from './description.ts';
import { deviceRoutes, LONGEST_PARAMETER } from './device-routes.ts';
import { docsRoutes } from './docs-routes.ts';
import { explainRoutes } from './explain-routes.ts';
import { addGate, type GateOptions, tokensOf } from './gate.ts';
import { healthRoutes } from './health-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { latestRoutes } from './latest-routes.ts';
import { letterRoutes } from './letter-routes.ts';
import { metricRoutes } from './metric-routes.ts';
import { liveRoutes } from './live-routes.ts';
import type { HttpPorts } from './ports.ts';
import { ProblemSchema, sendProblem } from './problem.ts';
import { cutStalled, limitConnections, socketOptions } from './sockets.ts';
import { statsRoutes } from './stats-routes.ts';

export interface ApplicationOptions extends Omit<GateOptions, 'hsts'> {
  /** Null: plain HTTP. `hsts` as the gate has it. */
  readonly tls: (CertificateFiles & { readonly hsts: number }) | null;
  /** Asked for the files of `tls` at every look at them. Default: they are where they were. */
  readonly certificateFiles?: () => CertificateFiles;
  /** Bytes. */
  readonly maxBody: number;
  /** Milliseconds for a request to arrive whole. */
  readonly requestTimeout: number;
  /** Milliseconds after which a client that takes nothing of its answer is cut off. Only tests give it. */
  readonly stallTimeout?: number;
  /** At once; more are closed. */
  readonly maxConnections: number;
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
const RETRY_AFTER_SECONDS = 5;
const STALL_MS = 60_000;

export async function buildApplication(options: ApplicationOptions): Promise<FastifyInstance> {
  const certificate =
    options.tls === null ? null : new Certificate(options.certificateFiles ?? options.tls, options.logger);
  const app = fastify({
    ...socketOptions(options.requestTimeout, certificate),
    bodyLimit: options.maxBody,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    // By default Infinity, which coercion makes of that word, is held against no maximum.
    ajv: { customOptions: { strictNumbers: false } },
    schemaController: { compilersFactory: lateCompilers() },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, error.statusCode ?? 400, error.message);
    },
  });
  app.addSchema(ProblemSchema);
  limitConnections(app.server, options.maxConnections, options.logger);
  cutStalled(app, options.stallTimeout ?? STALL_MS);
  if (certificate !== null) followed(app, certificate);
  addGate(app, { ...options, hsts: options.tls?.hsts ?? 0 });
  reportErrors(app, options.logger);
  await app.register(swagger, swaggerOptions(options.version, tokensOf(options).length > 0));
  // In a plugin of their own, so that swagger is there to see them.
  await app.register(async (root) => routes(root, options));
  await app.register(docsRoutes);
  await app.ready();
  return app;
}

function followed(app: FastifyInstance, certificate: Certificate): void {
  app.addHook('onListen', async () => certificate.follow(app.server as TlsServer));
  app.addHook('onClose', async () => certificate.stop());
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
    if (status === 415)
      return sendProblem(reply, status, 'The body must be JSON (Content-Type: application/json).');
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
        latestRoutes(api, ports);
        liveRoutes(api, ports);
        anomalyRoutes(api, ports);
      },
      { prefix },
    );
  }
}
