import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

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

/**
 * The description as a page at /docs, to read and to try. It tells nothing of this installation but its version, and a
 * browser carries no token when it opens a page: so it is open, and the token is typed into it.
 */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, open: true };
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Tidegate' },
    uiConfig: { layout: 'BaseLayout', deepLinking: true, docExpansion: 'list' },
    staticCSP: POLICY,
  });
}
