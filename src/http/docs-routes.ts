import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { sendProblem } from './problem.ts';

/** Its scripts and styles come from here, and it asks nobody but this server. */
const POLICY = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'font-src': "'self'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'img-src': ["'self'", 'data:'],
  'script-src': "'self'",
  'style-src': "'self'",
};
/** What the page's server says of an answer; all else is said by this one. */
const PASSED_ON = [
  'content-type',
  'location',
  'content-security-policy',
  'cache-control',
  'etag',
  'last-modified',
];

/**
 * The description as a page at /docs, to read and to try. It tells nothing of this installation but its version, and a
 * browser carries no token when it opens a page: so it is open, and the token is typed into it.
 */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, open: true };
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  let opening: Promise<FastifyInstance> | null = null;
  const show = async (request: FastifyRequest, reply: FastifyReply) => {
    opening ??= openPage(app.swagger() as StaticDocumentSpec['document']);
    const page = await opening;
    const { statusCode, headers, rawPayload } = await page.inject({
      method: 'GET',
      url: request.url,
      headers: request.headers,
    });
    if (statusCode >= 400) return sendProblem(reply, statusCode, `There is no ${request.url.split('?')[0]}.`);
    for (const name of PASSED_ON) if (headers[name] !== undefined) reply.header(name, headers[name]);
    return await reply.code(statusCode).send(rawPayload);
  };
  for (const url of ['/docs', '/docs/*']) app.get(url, { schema: { hide: true } }, show);
  app.addHook('onClose', async () => (await opening)?.close());
}

/** A server without a socket: opened by the first who looks, as it takes longer to open than all else of a start. */
async function openPage(document: StaticDocumentSpec['document']): Promise<FastifyInstance> {
  const page = fastify();
  await page.register(swagger, { mode: 'static', specification: { document } });
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Tidegate' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list' },
    staticCSP: POLICY,
  });
  return page;
}
