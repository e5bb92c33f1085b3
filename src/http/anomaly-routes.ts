import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { AnomaliesSchema, AnomalyQuestionSchema, DeviceNameSchema } from './anomaly-schemas.ts';
import { shownNumber } from './numbers.ts';
import type { HttpPorts } from './ports.ts';
import { sendProblem } from './problem.ts';

/** In microseconds. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3_600e6,
  d: 86_400e6,
  w: 604_800e6,
};
const HOUR = 3_600e6;

const DESCRIPTION =
  `The points of the last \`window\` that are further from the mean of the last \`hours\`, those points included,
than \`threshold\` standard deviations. The mean and the deviation come from the aggregates: points that arrived late count in
them from the next refresh on. With fewer than two points, or with all of them equal, nothing is an anomaly; by mad neither where more than half of
them are equal. NaN, infinities and numbers beyond 1e140 do not count in the mean and the deviation, but are anomalies themselves
where there is any deviation.`.replaceAll('\n', ' ');

type Question = Static<typeof AnomalyQuestionSchema>;

export function anomalyRoutes(api: FastifyInstance, ports: HttpPorts): void {
  const answer = async (
    deviceId: string,
    query: Question,
    { access }: FastifyRequest,
    reply: FastifyReply,
  ) => {
    const baseline = Math.max(1, Math.round(query.hours * HOUR));
    const window = query.window === undefined ? Math.min(HOUR, baseline) : microseconds(query.window);
    if (window === 0 || window > baseline) {
      const detail = `window: ${query.window} is not more than nothing and at most hours (${query.hours})`;
      return sendProblem(reply, 400, detail);
    }
    const { limit, method, threshold } = query;
    const begun = performance.now();
    // All points of a month take seconds.
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort(new Error('the client left')));
    const asked = {
      deviceId,
      metricName: query.metric_name,
      baseline,
      window,
      threshold,
      method,
      limit: limit + 1,
      visible: access.devices,
    };
    const found = await ports.anomalies.find(asked, gone.signal).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
      return null;
    });
    if (found === null) return reply.hijack();
    const anomalies = found.anomalies.slice(0, limit).map((anomaly) => ({
      ...anomaly,
      value: shownNumber(anomaly.value),
      z_score: shownNumber(anomaly.z_score),
      is_anomaly: true as const,
    }));
    ports.logQuery({
      type: `anomaly_${method}`,
      durationMs: performance.now() - begun,
      count: anomalies.length,
    });
    const truncated = found.anomalies.length > limit;
    return { success: true, anomalies, count: anomalies.length, truncated, baseline: found.baseline };
  };
  const schema = (summary: string) => ({
    summary,
    description: DESCRIPTION,
    response: { 200: AnomaliesSchema },
  });
  api.get<{ Params: { device_id: string }; Querystring: Question }>(
    '/devices/:device_id/anomaly',
    {
      config: { byDevice: true },
      schema: {
        ...schema('Points of a device that are far from what is usual'),
        params: Type.Object({ device_id: Type.String({ description: 'A slash in its name is %2F.' }) }),
        querystring: AnomalyQuestionSchema,
      },
    },
    async (request, reply) => await answer(request.params.device_id, request.query, request, reply),
  );
  api.get<{ Querystring: Question & { device_id: string } }>(
    '/anomaly',
    {
      config: { byDevice: true },
      schema: {
        ...schema('The same, for names that do not go well with a path'),
        querystring: Type.Object({ device_id: DeviceNameSchema, ...AnomalyQuestionSchema.properties }),
      },
    },
    async (request, reply) => await answer(request.query.device_id, request.query, request, reply),
  );
}

/** What the schema's pattern lets through. */
function microseconds(duration: string): number {
  const [, amount, unit = ''] = /^(\d+)(\w+)$/.exec(duration) ?? [];
  return Number(amount) * (UNITS[unit] ?? Number.NaN);
}
