import type { RouteConfig } from '../../../../src/config/route.ts';
import { createDecoder, type DecodeLimits } from '../../../../src/decode/decoder.ts';
import { EdgeNodes } from '../../../../src/decode/sparkplug/edge-nodes.ts';
import type { EdgeEvent, PointWriter } from '../../../../src/pipeline/types.ts';
import { encodePayload, type PayloadFields } from '../../../support/sparkplug.ts';
import { LIMITS, makeRoute, type Row, type Written } from '../decoding.ts';

/** 2026-01-01T00:00:00Z, in milliseconds. */
export const T0 = 1_767_225_600_000;

export interface Read extends Written {
  readonly events: EdgeEvent[];
}

export interface Reading {
  readonly edges: EdgeNodes;
  /** `at`: milliseconds after T0 at which it is received. */
  take(topic: string, payload: PayloadFields | Uint8Array, at?: number): Read;
  /** The same message once more, as out of the spool. */
  again(topic: string, payload: PayloadFields | Uint8Array, at: number): Read;
}

/** A decoder of `spBv1.0/#` that remembers, as the daemon's. */
export function startReading(
  overrides: Partial<RouteConfig> = {},
  edges: EdgeNodes = new EdgeNodes({ nodes: 100, metrics: 10_000 }),
  limits: DecodeLimits = LIMITS,
): Reading {
  const route = makeRoute({ topic: 'spBv1.0/#', format: 'sparkplug_b', ...overrides });
  const decoder = createDecoder([route], limits, edges);
  const read = (past: boolean, topic: string, payload: PayloadFields | Uint8Array, at: number): Read => {
    const written: Read = {
      route: null,
      rows: [],
      changesOnly: [],
      described: [],
      rejects: [],
      drops: [],
      events: [],
    };
    const out: PointWriter = {
      number: (device, metric, timestamp, value, kind) =>
        void written.rows.push([device, metric, timestamp, value, kind]),
      text: (device, metric, timestamp, value, changesOnly) => {
        written.rows.push([device, metric, timestamp, value, 'text']);
        written.changesOnly.push(changesOnly);
      },
      describe: (meta) => void written.described.push([written.rows.length - 1, meta]),
      reject: (code, detail) => void written.rejects.push({ code, detail }),
      drop: (reason) => void written.drops.push(reason),
      edge: (event) => void written.events.push(event),
    };
    const bytes = payload instanceof Uint8Array ? payload : encodePayload(payload);
    const reader = past ? (decoder.past ?? decoder) : decoder;
    written.route = reader.decode(topic, bytes, out, false, T0 * 1000 + Math.round(at * 1000));
    return written;
  };
  return {
    edges,
    take: (topic, payload, at = 0) => read(false, topic, payload, at),
    again: (topic, payload, at) => read(true, topic, payload, at),
  };
}

/** [metric, value] of each point but those of `online`. */
export function valuesIn({ rows }: Pick<Written, 'rows'>): [string, Row[3]][] {
  return rows.flatMap(([, metric, , value]) => (metric === 'online' ? [] : [[metric, value]]));
}

/** [device, value] of the points of `online`. */
export function onlineIn({ rows }: Pick<Written, 'rows'>): [string, Row[3]][] {
  return rows.flatMap(([device, metric, , value]) => (metric === 'online' ? [[device, value]] : []));
}
