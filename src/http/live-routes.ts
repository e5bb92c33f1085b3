import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { isoOf } from '../iso-time.ts';
import { LatestQuestionSchema } from './latest-schemas.ts';
import { shownNumber } from './numbers.ts';
import type { HttpPorts, LivePorts } from './ports.ts';
import { sendProblem } from './problem.ts';

type Listener = NonNullable<ReturnType<LivePorts['listen']>>;
type News = NonNullable<Awaited<ReturnType<Listener['take']>>>;

const { device_id, metric_name, match } = LatestQuestionSchema.properties;
const Question = Type.Object({ device_id, metric_name, match });

/**
 * Milliseconds without news after which a comment keeps proxies from hanging up; whether whoever listens still may is looked at
 * as often at least.
 */
const HEARTBEAT = 5_000;
const RETRY_AFTER_SECONDS = 30;
const DESCRIPTION =
  `Server-sent events. \`point\`: {device_id, metric_name, value, timestamp} of a point once it is stored, with values
as in /api/latest; \`lost\`: {count} of points that were left out because the client was too slow for them, or the database
could not be asked. Where another process stores the points, or workers do, the database is looked at every second, which adds
two: \`late\`: {device_id, metric_name, first, last, count}, so many points came late, among others of their series that were there
before, and none of them is told: ask for the range from first to last, both included; \`unseen\`: {since}, the last look was too
long ago: late points that were stored since then may be missing. A value that replaced another one is then not told. Points come
as they are stored, which need not be the order of their times; one that arrives again may be told again. Nothing is told of what
was stored before, nor after a lost connection of what was missed: ask for it by its time.`.replaceAll(
    '\n',
    ' ',
  );

export function liveRoutes(api: FastifyInstance, { live }: HttpPorts): void {
  api.get<{ Querystring: Static<typeof Question> }>(
    '/live',
    {
      // It would listen, and never end.
      exposeHeadRoute: false,
      config: { byDevice: true },
      schema: {
        summary: 'New points as they are stored',
        description: DESCRIPTION,
        querystring: Question,
        response: {
          200: {
            description: 'Events until the client leaves, its token is taken away or Tidegate stops.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
        },
      },
    },
    async (request, reply) => {
      const { query, access } = request;
      const listener = live.listen({
        devices: query.device_id ?? null,
        metrics: query.metric_name ?? null,
        match: query.match,
        visible: access.devices,
      });
      if (listener === null) {
        reply.header('retry-after', RETRY_AFTER_SECONDS);
        return sendProblem(reply, 503, 'As many listen already as http.live_clients lets.');
      }
      reply.raw.once('close', () => listener.close());
      reply.header('x-accel-buffering', 'no').type('text/event-stream');
      return await reply.send(
        Readable.from(events(listener, request.isStillAdmitted), { objectMode: false }),
      );
    },
  );
}

async function* events(listener: Listener, isAdmitted: () => boolean): AsyncGenerator<string> {
  // At once, so that whoever listens knows that it does.
  yield ': listening\n\n';
  let id = 0;
  for (;;) {
    const news = await listener.take(HEARTBEAT);
    if (news === null || !isAdmitted()) return;
    const told = [
      ...(news.lost > 0 ? [event('lost', ++id, { count: news.lost })] : []),
      ...(news.unseen === null ? [] : [event('unseen', ++id, { since: news.unseen })]),
      ...news.late.map((late) => event('late', ++id, shownLate(late))),
      ...news.points.map((point) => event('point', ++id, shown(point))),
    ];
    yield told.join('') || ': \n\n';
  }
}

function event(name: string, id: number, data: object): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function shownLate({ deviceId, metricName, first, last, count }: News['late'][number]): object {
  return { device_id: deviceId, metric_name: metricName, first: isoOf(first), last: isoOf(last), count };
}

function shown({ deviceId, metricName, value, timestamp }: News['points'][number]): object {
  return {
    device_id: deviceId,
    metric_name: metricName,
    value: typeof value === 'number' ? shownNumber(value) : value,
    timestamp: isoOf(timestamp),
  };
}
