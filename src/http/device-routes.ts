import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { DeviceQuestion, HttpPorts } from './ports.ts';
import { sendProblem } from './problem.ts';
import { cursorAfter, readCursor } from './cursors.ts';
import { DeviceDetailSchema } from './device-schemas.ts';
import { shownValue } from './latest-routes.ts';
import { TagsAsked, tagsOf } from './latest-schemas.ts';
import { Success } from './schema-parts.ts';
import { DeviceSchema } from './schemas.ts';

const LIMIT = { minimum: 1, maximum: 1_000, default: 100 };
/** Of a name with 300 characters of four bytes, each of them percent-encoded. */
export const LONGEST_PARAMETER = 3_600;

const Question = Type.Object({
  limit: Type.Integer({ ...LIMIT, description: 'How many at most.' }),
  cursor: Type.Optional(Type.String({ description: 'next_cursor of the page before.' })),
  match: Type.String({
    default: '*',
    pattern: '^[^\\0]*$',
    description: 'Of such names; * stands for any characters.',
  }),
  state: Type.Optional(
    Type.Enum(['learning', 'ok', 'silent'], { description: 'Only those of which that is known.' }),
  ),
  tag: TagsAsked,
});

interface Asked {
  readonly limit: number;
  readonly cursor?: string;
  readonly match: string;
  readonly state?: DeviceQuestion['state'];
  readonly tag?: readonly string[];
}

export function deviceRoutes(api: FastifyInstance, ports: HttpPorts): void {
  const { devices } = ports;
  api.get<{ Querystring: Asked }>(
    '/devices',
    {
      config: { byDevice: true },
      schema: {
        summary:
          'Devices by name: when they were last heard, how often they publish, whether they are silent',
        querystring: Question,
        response: {
          200: Type.Object({
            success: Success,
            data: Type.Array(DeviceSchema, { description: 'By name, as the database orders names.' }),
            count: Type.Integer({ description: 'Of this page.' }),
            next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Null at the end.' }),
          }),
        },
      },
    },
    async ({ query, access }, reply) => {
      const after = query.cursor === undefined ? null : readCursor(query.cursor, isName);
      if (after === undefined) return sendProblem(reply, 400, 'cursor is not the next_cursor of a page.');
      const { limit, match, state = null } = query;
      const tags = tagsOf(query.tag);
      // One more tells whether there is a page after this one.
      const begun = performance.now();
      const found = await devices.list({
        match,
        state,
        tags,
        after,
        limit: limit + 1,
        visible: access.devices,
      });
      const data = found.slice(0, limit);
      const last = found.length > limit ? data.at(-1) : undefined;
      ports.logQuery({ type: 'devices', durationMs: performance.now() - begun, count: data.length });
      return {
        success: true,
        data,
        count: data.length,
        next_cursor: last === undefined ? null : cursorAfter(last.device_id),
      };
    },
  );
  api.get<{ Params: { device_id: string } }>(
    '/devices/:device_id',
    {
      config: { byDevice: true },
      schema: {
        summary: 'One device, and the latest point of each of its metrics',
        params: Type.Object({ device_id: Type.String({ description: 'A slash in its name is %2F.' }) }),
        response: { 200: Type.Object({ success: Success, data: DeviceDetailSchema }) },
      },
    },
    async ({ params, access }) => {
      const begun = performance.now();
      const { metrics, ...device } = await devices.find(params.device_id, access.devices);
      ports.logQuery({ type: 'device', durationMs: performance.now() - begun, count: metrics.length });
      const shown = metrics.map((metric) => ({ ...metric, value: shownValue(metric.value) }));
      return { success: true, data: { ...device, metrics: shown } };
    },
  );
}

function isName(place: unknown): place is string {
  return typeof place === 'string' && place !== '' && !place.includes('\0');
}
