import { loadConfig } from '../../../../src/config/load.ts';
import type { ExplainedPoint, Explanation } from '../../../../src/decode/explanation.ts';
import { createDecoder } from '../../../../src/decode/decoder.ts';
import { LIMITS } from '../decoding.ts';

/** The arrival of every message of these tests. */
export const ARRIVAL = '2026-11-28T12:00:00.000000Z';

/** Device, metric, value, and the time unless it is the arrival. */
type Brief = [device: string, metric: string, value: number | string, time?: string];

interface Outcome {
  readonly route: string | null;
  readonly points: readonly Brief[];
  readonly rejections: readonly string[];
  readonly full: readonly ExplainedPoint[];
}

type Item = { readonly preset: string; readonly [key: string]: unknown };

/**
 * What a configuration with but this item of `routes` makes of messages, one after the other; each arrives at `ARRIVAL`, or when
 * it is said.
 */
export function explainer(
  item: Item,
): (topic: string, payload: string | Uint8Array, arrival?: string) => Explanation {
  const env = { TIDEGATE_DATABASE_URL: 'postgres://localhost/db', TIDEGATE_ROUTES: JSON.stringify([item]) };
  const decoder = createDecoder(loadConfig({ env }).routes, LIMITS);
  return (topic, payload, arrival = ARRIVAL) =>
    decoder.explain(topic, Buffer.from(payload), Date.parse(arrival) * 1_000);
}

/** The same of one message. */
export function become(item: Item, topic: string, payload: string | Uint8Array): Outcome {
  const { route, points, rejections } = explainer(item)(topic, payload);
  return {
    route,
    points: points.map(({ device_id: device, metric_name: metric, value, timestamp, arrival }) =>
      arrival === true ? [device, metric, value] : [device, metric, value, timestamp],
    ),
    rejections: rejections.map(({ code, detail }) => `${code}: ${detail}`),
    full: points,
  };
}

/** The points alone; throws where something is rejected. */
export function pointsOf(...message: Parameters<typeof become>): readonly Brief[] {
  const { points, rejections } = become(...message);
  if (rejections.length > 0) throw new Error(rejections.join('\n'));
  return points;
}

/** The unit of each metric that has one. */
export function unitsOf(...message: Parameters<typeof become>): Record<string, string | undefined> {
  return Object.fromEntries(become(...message).full.map(({ metric_name, unit }) => [metric_name, unit]));
}
