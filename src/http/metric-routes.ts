import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { sees } from './access.ts';
import { answerRoom } from './answer-room.ts';
import type { ByteText } from './byte-text.ts';
import { cursorAfter, type MetricQuery, readQuestion } from './metric-question.ts';
import { DeviceIdSchema, DeviceIdsSchema, METRIC_PARAMETERS, MetricAnswerSchema } from './metric-schemas.ts';
import type { HttpPorts, MetricQuestion } from './ports.ts';
import { csvFormat, jsonFormat, ndjsonFormat, type RowFormat } from './row-formats.ts';

const FORMATS = { json: jsonFormat, ndjson: ndjsonFormat, csv: csvFormat };
type FormatName = keyof typeof FORMATS;
/** Bytes that are sent together, at least where there are more. */
const PIECE = 256 * 1024;

const LINES = Type.String({ description: 'A row a line.' });
const RESPONSE = {
  200: {
    description: 'Rows; as JSON with what there is to say about them',
    content: {
      'application/json': { schema: MetricAnswerSchema },
      'application/x-ndjson': { schema: LINES },
      'text/csv': { schema: LINES },
    },
  },
};
const DESCRIPTION = `Rows come by device, metric and time. Buckets are those that begin in start_time <= time < end_time, each
whole. Long answers are read and sent in parts: points that are stored meanwhile may be among them or not; an answer that
cannot be finished breaks off without an end.`;

export function metricRoutes(api: FastifyInstance, ports: HttpPorts, logger: Logger): void {
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    devices: string[],
    query: MetricQuery,
  ) => {
    const begin = performance.now();
    const format = query.format ?? accepted(request.headers.accept);
    const question = readQuestion(devices, query, format, Date.now());
    const unseen = question.devices.find((device) => device.includes('\0') || !sees(request.access, device));
    // As the database says it of a device that is not there.
    if (unseen !== undefined) {
      throw new TidegateError('device_unknown', `there is no device ${JSON.stringify(unseen)}`);
    }
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort(new Error('the client left')));
    const rows = FORMATS[format]({
      device: question.devices.length > 1,
      metric: question.metrics.length > 1,
    });
    const out = answerRoom(reply.raw);
    const pieces = text(ports, question, { format: rows, out }, begin, gone.signal);
    try {
      const first = await pieces.next();
      const second = await pieces.next();
      reply.type(rows.contentType);
      if (format === 'csv') reply.header('content-disposition', 'attachment; filename="metrics.csv"');
      if (second.done === true) return await reply.send(first.value);
      return await reply.send(
        Readable.from(logged([first.value as Buffer, second.value], pieces, gone.signal), {
          objectMode: false,
        }),
      );
    } catch (error) {
      if (!gone.signal.aborted) throw error;
      reply.hijack();
      return reply;
    }
  };
  /** The answer is on its way: whoever asked can only be told by breaking off. */
  async function* logged(
    sent: Buffer[],
    rest: AsyncIterable<Buffer>,
    gone: AbortSignal,
  ): AsyncGenerator<Buffer> {
    try {
      yield* sent;
      yield* rest;
    } catch (error) {
      if (!gone.aborted) logger.error({ error }, 'An answer over HTTP broke off');
      throw error;
    }
  }
  api.get<{ Params: { device_id: string }; Querystring: MetricQuery }>(
    '/devices/:device_id/metrics',
    {
      exposeHeadRoute: false,
      config: { byDevice: true },
      schema: {
        summary: 'Points of a device, or their aggregates',
        description: DESCRIPTION,
        params: Type.Object({ device_id: DeviceIdSchema }),
        querystring: Type.Object(METRIC_PARAMETERS),
        response: RESPONSE,
      },
    },
    (request, reply) => answer(request, reply, [request.params.device_id], request.query),
  );
  api.get<{ Querystring: MetricQuery & { readonly device_id: string[] } }>(
    '/metrics',
    {
      exposeHeadRoute: false,
      config: { byDevice: true },
      schema: {
        summary: 'Points of some devices, or their aggregates',
        description: DESCRIPTION,
        querystring: Type.Object({ device_id: DeviceIdsSchema, ...METRIC_PARAMETERS }),
        response: RESPONSE,
      },
    },
    (request, reply) => answer(request, reply, request.query.device_id, request.query),
  );
}

function accepted(header = ''): FormatName {
  if (header.includes('application/x-ndjson')) return 'ndjson';
  return header.includes('text/csv') ? 'csv' : 'json';
}

/** The whole answer in pieces that are worth sending; one where it is short. */
async function* text(
  ports: HttpPorts,
  question: MetricQuestion,
  { format, out }: { readonly format: RowFormat; readonly out: ByteText },
  begin: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const answer = await ports.metrics.ask(question, signal);
  const { granularity } = answer;
  format.head(out);
  let [count, isShort] = [0, true];
  for await (const rows of answer.rows) {
    count += rows.times.length;
    format.rows(out, rows);
    if (out.length < PIECE) continue;
    isShort = false;
    yield out.take();
  }
  const next = answer.next();
  const duration = Math.round((performance.now() - begin) * 1000) / 1000;
  format.tail(out, { count, granularity, nextCursor: next === null ? null : cursorAfter(next), duration });
  yield isShort ? out.written() : out.take();
  const isLevel = ['raw', '1min', '15min', '1hour', '1day'].includes(granularity);
  ports.logQuery({ type: `metrics_${isLevel ? granularity : 'bucket'}`, durationMs: duration, count });
}
