import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { askerOf } from './access.ts';
import type { HttpPorts } from './ports.ts';
import { count, Success } from './schema-parts.ts';
import { ChunkSchema, CompressionSchema, ReportSchema } from './schemas.ts';

const Name = Type.Object({
  name: Type.String({ pattern: '^[^\\0]*$', description: 'As /api/chunks shows it.' }),
});

export function chunkRoutes(api: FastifyInstance, { chunks }: HttpPorts): void {
  api.get(
    '/chunks',
    {
      schema: {
        summary: 'Every chunk: range, state, rows, sizes',
        response: {
          200: Type.Object({
            success: Success,
            data: Type.Array(ChunkSchema, { description: 'In the order of their times.' }),
            count: count('Chunks.'),
          }),
        },
      },
    },
    async () => {
      const data = await chunks.list();
      return { success: true, data, count: data.length };
    },
  );
  for (const action of ['compress', 'decompress'] as const) {
    api.post<{ Params: { name: string } }>(
      `/chunks/:name/${action}`,
      {
        schema: {
          summary:
            action === 'compress'
              ? 'Compresses a chunk now, however young it is'
              : 'Makes a compressed chunk rows again',
          params: Name,
          response: { 200: ReportSchema },
        },
      },
      async (request) => ({
        success: true,
        ...(await chunks[action](request.params.name, askerOf(request))),
      }),
    );
  }
  api.get(
    '/compression',
    {
      schema: {
        summary: 'What compression saves, by chunk and in total',
        response: { 200: CompressionSchema },
      },
    },
    async () => {
      const data = await chunks.compression();
      const sum = (key: 'points' | 'bytes_before' | 'bytes_after') =>
        data.reduce((total, chunk) => total + chunk[key], 0);
      const [points, before, after] = [sum('points'), sum('bytes_before'), sum('bytes_after')];
      return {
        success: true,
        data,
        count: data.length,
        totals: {
          points,
          bytes_before: before,
          bytes_after: after,
          ratio: after === 0 ? null : before / after,
        },
      };
    },
  );
}
