import type { FastifyInstance } from 'fastify';
import type { AccountWanted, HttpPorts } from './ports.ts';
import {
  AccountQuerySchema,
  CollectionSchema,
  IngestionRateSchema,
  IngestStatsSchema,
  QueriesSchema,
  RateQuerySchema,
} from './stats-schemas.ts';

export function statsRoutes(api: FastifyInstance, ports: HttpPorts): void {
  const { statistics } = ports;
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
  api.get(
    '/stats/collection',
    {
      schema: {
        summary: 'How many points of how many devices came in the last hour, and are there in all',
        description:
          'Added up when points are stored; no point is read for it. With many series the answer is kept for twenty times as long as it takes.',
        response: { 200: CollectionSchema },
      },
    },
    async () => {
      const began = performance.now();
      const { hour, ever, asOf } = await statistics.collection();
      ports.logQuery({ type: 'collection', durationMs: performance.now() - began, count: 1 });
      return { success: true, data: hour, ever, as_of: asOf };
    },
  );
  api.get<{ Querystring: { minutes: number } }>(
    '/stats/ingestion-rate',
    {
      schema: {
        summary: 'Points per second, over the last minute and minute by minute',
        querystring: RateQuerySchema,
        response: { 200: IngestionRateSchema },
      },
    },
    async ({ query }) => {
      const began = performance.now();
      const data = await statistics.rates(query.minutes);
      ports.logQuery({
        type: 'ingestion_rate',
        durationMs: performance.now() - began,
        count: data.length,
      });
      return {
        success: true,
        points_per_second: data.at(-1)?.points_per_second ?? 0,
        data,
        count: data.length,
      };
    },
  );
  api.get(
    '/stats/queries',
    {
      schema: {
        summary: 'How long questions took in the last 24 hours, by type',
        description: 'The view v_iot_query_performance; an answer is in it a second later.',
        response: { 200: QueriesSchema },
      },
    },
    async () => {
      const data = await statistics.queries();
      return { success: true, data, count: data.length };
    },
  );
}
