import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { answerRoom } from './answer-room.ts';
import type { ByteText } from './byte-text.ts';
import { cursorAfter, readCursor } from './cursors.ts';
import { LatestPointSchema, LatestQuestionSchema, tagsOf } from './latest-schemas.ts';
import { shownNumber } from './numbers.ts';
import { Success } from './schema-parts.ts';
import type { HttpPorts, SeriesShown } from './ports.ts';
import { sendProblem } from './problem.ts';

type Question = Static<typeof LatestQuestionSchema>;
type Page = Awaited<ReturnType<HttpPorts['latest']['page']>>;
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
      const after = query.cursor === undefined ? null : readCursor(query.cursor, isPlace);
      if (after === undefined) return sendProblem(reply, 400, 'cursor is not the next_cursor of a page.');
      const begun = performance.now();
      const { next, ...page } = await ports.latest.page({
        devices: query.device_id ?? null,
        metrics: query.metric_name ?? null,
        match: query.match,
        tags: tagsOf(query.tag),
        visible: access.devices,
        after: after && { deviceId: after[0], metricName: after[1], text: after[2] },
        limit: query.limit,
      });
      const count = page.series.length;
      const out = answerRoom(reply.raw);
      out.text('{"success":true,"data":[');
      points(out, page);
      const place = next && cursorAfter([next.deviceId, next.metricName, next.text] satisfies Place);
      out.text(`],${JSON.stringify({ count, next_cursor: place }).slice(1)}`);
      ports.logQuery({ type: 'latest', durationMs: performance.now() - begun, count });
      return await reply.type('application/json; charset=utf-8').send(out.written());
    },
  );
}

const TIME = Buffer.from(',"timestamp":"');
const END = Buffer.from('"}');
/** What stands before the value of each series. */
const starts = new WeakMap<SeriesShown, Buffer>();

function points(out: ByteText, { series, times, values }: Omit<Page, 'next'>): void {
  for (let row = 0; row < series.length; row++) {
    if (row > 0) out.text(',');
    out.bytes(startOf(series[row] as SeriesShown));
    const value = values[row] as Page['values'][number];
    if (typeof value === 'number' && Number.isFinite(value)) out.number(value);
    else out.text(JSON.stringify(shownValue(value)));
    out.bytes(TIME);
    out.time(times[row] as number);
    out.bytes(END);
  }
}

function startOf(series: SeriesShown): Buffer {
  let start = starts.get(series);
  if (start === undefined) {
    const { device_id, device_name, metric_name, kind, unit, tags } = series;
    const shown = JSON.stringify({ device_id, device_name, metric_name, kind, unit, tags });
    start = Buffer.from(`${shown.slice(0, -1)},"value":`);
    starts.set(series, start);
  }
  return start;
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
