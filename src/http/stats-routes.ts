import type { FastifyInstance } from 'fastify';
import type { HttpPorts } from './ports.ts';
import { IngestStatsSchema } from './schemas.ts';

export function statsRoutes(api: FastifyInstance, ports: HttpPorts): void {
  api.get(
    '/stats/ingest',
    {
      schema: {
        summary: 'The balance sheet: what became of every message and point',
        response: { 200: IngestStatsSchema },
      },
    },
    () => ports.ingestStats(),
  );
}
