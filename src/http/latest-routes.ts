import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { cursorAfter, readCursor } from './cursors.ts';
import { LatestPointSchema, LatestQuestionSchema, tagsOf } from './latest-schemas.ts';
import { shownNumber } from './numbers.ts';
import { Success } from './schema-parts.ts';
import type { HttpPorts } from './ports.ts';
import { sendProblem } from './problem.ts';

type Question = Static<typeof LatestQuestionSchema>;
/** Device, metric, whether it is text. */
type Place = readonly [string, string, boolean];

export function latestRoutes(api: FastifyInstance, ports: HttpPorts): void {
  api.get<{ Querystring: Question }>(
    '/latest',
    {
      config: { byDevice: true },
      schema: {
        summary: 'The latest point of every series, by device and metric',
        description:
          'A metric that was sent as numbers and as text has a latest point of each. The order is that of the database.',
        querystring: LatestQuestionSchema,
        response: {
          200: Type.Object(
            {
              success: Success,
              data: Type.Array(LatestPointSchema, { description: 'By device and metric.' }),
              count: Type.Integer({ minimum: 0, description: 'Of this page.' }),
              next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null at the end.' }),
            },
            { title: 'Latest' },
          ),
        },
      },
    },
    async ({ query, access }, reply) => {
      const place = query.cursor === undefined ? null : readCursor(query.cursor, isPlace);
      if (place === undefined) return sendProblem(reply, 400, 'cursor is not the next_cursor of a page.');
      const begun = performance.now();
      const { points, next } = await ports.latest.page({
        devices: query.device_id ?? null,
        metrics: query.metric_name ?? null,
        match: query.match,
        tags: tagsOf(query.tag),
        visible: access.devices,
        after: place && { deviceId: place[0], metricName: place[1], text: place[2] },
        limit: query.limit,
      });
      ports.logQuery({ type: 'latest', durationMs: performance.now() - begun, count: points.length });
      return {
        success: true,
        data: points.map((point) => ({ ...point, value: shownValue(point.value) })),
        count: points.length,
        next_cursor: next && cursorAfter([next.deviceId, next.metricName, next.text] satisfies Place),
      };
    },
  );
}

export function shownValue(value: number | string | null): number | string | null {
  return typeof value === 'number' ? shownNumber(value) : value;
}

function isPlace(place: unknown): place is Place {
  if (!Array.isArray(place) || place.length !== 3) return false;
  const [device, metric, text]: unknown[] = place;
  return (
    [device, metric].every((name) => typeof name === 'string' && !name.includes('\0')) &&
    typeof text === 'boolean'
  );
}
