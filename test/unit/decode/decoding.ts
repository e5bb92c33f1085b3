import assert from 'node:assert/strict';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';
import { createDecoder, type DecodeLimits } from '../../../src/decode/decoder.ts';
import type { DeadLetterCode } from '../../../src/errors.ts';
import type {
  Decoder,
  DropReason,
  PointWriter,
  SeriesKind,
  SeriesMeta,
} from '../../../src/pipeline/types.ts';

export const LIMITS: DecodeLimits = {
  messageBytes: 2 * 1024 * 1024,
  pointsPerMessage: 100_000,
  namesPerMessage: 20_000,
  nesting: 32,
  nameLength: 255,
  textLength: 65_536,
};

export type Row = [
  device: string,
  metric: string,
  timestamp: number,
  value: number | string,
  kind: SeriesKind,
];

/** What a decoder wrote, in order. */
export interface Written {
  route: string | null;
  rows: Row[];
  /** Of the texts: whether only changes are to be stored. */
  changesOnly: boolean[];
  /** What was said of the row before, with that row's index. */
  described: [row: number, meta: SeriesMeta][];
  rejects: { code: DeadLetterCode; detail: string }[];
  drops: DropReason[];
}

export function makeRoute(overrides: Partial<RouteConfig> & { topic: string }): RouteConfig {
  return { ...routeDefaults(), name: overrides.topic, ...overrides };
}

export const DEFAULT_ROUTES: readonly RouteConfig[] = [
  makeRoute({ topic: 'devices/{device_id}/{metric_name}' }),
  makeRoute({ topic: 'devices/{device_id}' }),
];

/** Decodes one message by these routes; a writer that takes columns as a whole is told the same. */
export function decode(
  routes: readonly RouteConfig[],
  topic: string,
  payload: string | Uint8Array,
  limits: DecodeLimits = LIMITS,
): Written {
  return decodeBy(() => createDecoder(routes, limits), topic, payload);
}

/** The same by decoders that may be in use already. */
export function decodeBy(decoderOf: () => Decoder, topic: string, payload: string | Uint8Array): Written {
  const [single, whole] = [false, true].map((columns) => written(decoderOf(), topic, payload, columns));
  const told = ({ described: _described, ...rest }: Written) => rest;
  assert.deepEqual(told(whole as Written), told(single as Written));
  return single as Written;
}

function written(decoder: Decoder, topic: string, payload: string | Uint8Array, columns: boolean): Written {
  const written: Written = { route: null, rows: [], changesOnly: [], described: [], rejects: [], drops: [] };
  const out: PointWriter = {
    number: (device, metric, timestamp, value, kind) =>
      void written.rows.push([device, metric, timestamp, value, kind]),
    ...(columns && {
      numbers: (device, metric, timestamps, values, kind) => {
        for (const [row, value] of values.entries())
          written.rows.push([device, metric, timestamps[row] as number, value, kind]);
      },
    }),
    text: (device, metric, timestamp, value, changesOnly) => {
      written.rows.push([device, metric, timestamp, value, 'text']);
      written.changesOnly.push(changesOnly);
    },
    describe: (meta) => void written.described.push([written.rows.length - 1, meta]),
    reject: (code, detail) => void written.rejects.push({ code, detail }),
    drop: (reason) => void written.drops.push(reason),
  };
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  written.route = decoder.decode(topic, bytes, out);
  return written;
}

/** The values of `devices/d/m` alone, as [value, kind]. */
export function valuesOf(
  payload: string,
  overrides: Partial<RouteConfig> = {},
): [number | string, SeriesKind][] {
  const route = makeRoute({ topic: 'devices/{device_id}/{metric_name}', ...overrides });
  return decode([route], 'devices/d/m', payload).rows.map(([, , , value, kind]) => [value, kind]);
}

/** [metric, timestamp, value] of each point of a message to `devices/d`. */
export function metricsOf(
  payload: string,
  overrides: Partial<RouteConfig> = {},
): [string, number, number | string][] {
  const route = makeRoute({ topic: 'devices/{device_id}', ...overrides });
  return decode([route], 'devices/d', payload).rows.map(([, metric, time, value]) => [metric, time, value]);
}

/** The codes of all rejections of a message to `devices/d`. */
export function codesOf(payload: string, overrides: Partial<RouteConfig> = {}): DeadLetterCode[] {
  const route = makeRoute({ topic: 'devices/{device_id}', ...overrides });
  return decode([route], 'devices/d', payload).rejects.map(({ code }) => code);
}
