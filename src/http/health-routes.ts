import type { FastifyInstance } from 'fastify';
import type { HttpPorts } from './ports.ts';
import { AliveSchema, ReadinessSchema } from './schemas.ts';

/** For service managers and load balancers: open to all, so they tell nothing that is secret. */
export function healthRoutes(app: FastifyInstance, ports: HttpPorts): void {
  app.get(
    '/healthz',
    {
      config: { open: true, unlimited: true },
      schema: { summary: 'Whether the process answers', response: { 200: AliveSchema } },
    },
    () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      config: { open: true, unlimited: true },
      schema: {
        summary: 'Whether messages get through to the database, check by check',
        response: { 200: ReadinessSchema, 503: ReadinessSchema },
      },
    },
    ({ access }, reply) => {
      const { ready, checks } = ports.ready();
      // A reason may name servers, users and files: it is for those who may see everything.
      const shown = Object.entries(checks).map(([name, { ok, detail }]) => [
        name,
        { ok, detail: access.devices === null ? detail : ok ? 'ok' : 'fails' },
      ]);
      return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(shown) });
    },
  );
}
