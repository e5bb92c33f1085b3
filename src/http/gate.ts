/** What every request passes before anything is done for it. */

import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Access, STRANGER, UNLIMITED } from './access.ts';
import { carriedToken, foreignHeader, isLoopback, type Token } from './guard.ts';
import { sendProblem } from './problem.ts';
import { clientOf, RateLimit } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of whoever asks. */
    access: Access;
    /** Whether who asked would be let in now too, and may see what it saw then: to be asked where an answer goes on. */
    isStillAdmitted: () => boolean;
  }
  interface FastifyContextConfig {
    /** Answers without a token. */
    open?: boolean;
    /** Answers however often. */
    unlimited?: boolean;
    /** Takes no order although it is no GET: everybody may. */
    looks?: boolean;
    /**
     * Its answers tell of no device but those that `request.access` sees. Without it a token that is limited to some
     * devices gets a 403.
     */
    byDevice?: boolean;
  }
}

export interface GateOptions {
  /** Where the server will listen: on loopback, requests from pages of other sites are refused. */
  readonly host: string;
  /** With any, all but the health endpoints need one. A function is asked at every request. */
  readonly tokens: readonly Token[] | (() => readonly Token[]);
  /** Requests a minute of one client; 0: no limit. */
  readonly rateLimit: number;
  /** Milliseconds of a clock that never goes back. Default: this process's. */
  readonly now?: () => number;
  /** Of sites whose pages may ask. */
  readonly origins: readonly string[];
  /** Seconds for which browsers are told to use HTTPS alone; 0: they are not. */
  readonly hsts: number;
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
/** What a page of an allowed origin may send and read beside the simplest. */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type',
  'access-control-max-age': '600',
};
const LOOKING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function addGate(app: FastifyInstance, options: GateOptions): void {
  const loopback = isLoopback(options.host);
  const { rateLimit, now = () => performance.now() } = options;
  const limit = rateLimit === 0 ? null : new RateLimit(rateLimit, now);
  app.decorateRequest('access');
  app.decorateRequest('isStillAdmitted');
  app.addHook('onRequest', async (request, reply) => {
    const tokens = tokensOf(options);
    request.access = UNLIMITED;
    request.isStillAdmitted = stillAdmitted(request, options, tokens);
    reply.headers(HEADERS);
    if (options.hsts > 0) reply.header('strict-transport-security', `max-age=${options.hsts}`);
    const isAllowed = allowOrigin(request, reply, options.origins);
    const foreign = loopback ? foreignHeader(request.headers) : null;
    if (foreign !== null && !(foreign === 'Origin' && isAllowed)) {
      return sendProblem(
        reply,
        403,
        `The ${foreign} header is not of this machine, which is all that may ask here.`,
      );
    }
    const isPreflight = request.headers['access-control-request-method'] !== undefined;
    if (isAllowed && isPreflight && request.method === 'OPTIONS') {
      return reply.headers(PREFLIGHT).code(204).send();
    }
    const token = carriedToken(request.headers.authorization, tokens);
    const { open = false, unlimited = false } = request.routeOptions.config;
    const client = token === null ? `address ${clientOf(request.ip)}` : `token ${token.name}`;
    const wait = unlimited ? 0 : (limit?.take(client) ?? 0);
    if (wait > 0) {
      reply.header('retry-after', Math.ceil(wait / 1000));
      return sendProblem(reply, 429, `More than ${rateLimit} requests a minute (http.rate_limit).`);
    }
    if (tokens.length === 0) return undefined;
    if (!open) return admit(request, reply, token);
    request.access = token === null ? STRANGER : accessOf(token);
    return undefined;
  });
}

export function tokensOf({ tokens }: Pick<GateOptions, 'tokens'>): readonly Token[] {
  return typeof tokens === 'function' ? tokens() : tokens;
}

/** `tokens`: those that it was held against. They are others once the configuration is read again. */
function stillAdmitted(
  request: FastifyRequest,
  options: GateOptions,
  tokens: readonly Token[],
): () => boolean {
  let known = tokens;
  return () => {
    const now = tokensOf(options);
    if (now === known || now.length === 0) return true;
    const token = carriedToken(request.headers.authorization, now);
    if (token === null || !isDeepStrictEqual(accessOf(token).devices, request.access.devices)) return false;
    known = now;
    return true;
  };
}

/** Whether the request comes from a page of an origin that may ask; if so its browser is told. */
function allowOrigin(request: FastifyRequest, reply: FastifyReply, origins: readonly string[]): boolean {
  if (origins.length === 0) return false;
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !origins.includes(origin)) return false;
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Retry-After',
    'cross-origin-resource-policy': 'cross-origin',
  });
  return true;
}

function accessOf({ name, scope, devices }: Token): Access {
  return { name, operator: scope === 'operator', devices: devices.length === 0 ? null : devices };
}

/** Sends why not, or lets the token do what its scope and its devices allow. */
function admit(request: FastifyRequest, reply: FastifyReply, token: Token | null): FastifyReply | undefined {
  if (token === null) {
    reply.header('www-authenticate', 'Bearer realm="tidegate"');
    return sendProblem(reply, 401, 'A valid token is needed: Authorization: Bearer TOKEN.');
  }
  const { name } = token;
  request.access = accessOf(token);
  if (request.is404) return undefined;
  const { looks = false, byDevice = false } = request.routeOptions.config;
  if (!request.access.operator && !looks && !LOOKING.has(request.method)) {
    reply.header('www-authenticate', 'Bearer realm="tidegate", error="insufficient_scope", scope="operator"');
    return sendProblem(reply, 403, `The token ${name} only reads: orders take one with the scope operator.`);
  }
  if (byDevice || request.access.devices === null) return undefined;
  return sendProblem(
    reply,
    403,
    `The token ${name} sees some devices only, and this tells of all: it takes a token without devices.`,
  );
}
