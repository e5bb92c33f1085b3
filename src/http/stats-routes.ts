import type { FastifyInstance } from 'fastify';
import type { AccountWanted, HttpPorts } from './ports.ts';
import { AccountQuerySchema, IngestStatsSchema } from './schemas.ts';

export function statsRoutes(api: FastifyInstance, ports: HttpPorts): void {
  api.get<{ Querystring: AccountWanted }>(
    '/stats/ingest',
    {
      schema: {
        summary: 'The balance sheet: what became of every message and point',
        querystring: AccountQuerySchema,
        response: { 200: IngestStatsSchema },
      },
    },
    ({ query }) => ports.ingestStats(query),
  );
}
