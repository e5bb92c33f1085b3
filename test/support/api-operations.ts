/** The endpoints as openapi.json tells of them: whatever is added to it is asked too. */

import assert from 'node:assert/strict';

export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly format?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Null where there is no body. */
  readonly body: Schema | null;
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: readonly Parameter[];
            readonly requestBody?: {
              readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
            };
          }
        >
      >
    >
  >;
}

/** Of the server at `url`. */
export async function operationsOf(url: string): Promise<readonly Operation[]> {
  const response = await fetch(`${url}/openapi.json`);
  assert.equal(response.status, 200);
  const { paths } = (await response.json()) as Document;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema ?? null,
    })),
  );
}

/**
 * What means something under a name, whatever its schema allows: the first is a good one on the data of
 * test/integration/http/fleet.ts, and makes, with those of the other names, a question that can be answered.
 */
export const HINTS: Readonly<Record<string, readonly unknown[]>> = {
  device_id: ['boiler', 'a/b?ü %', 'none'],
  metric_name: ['temperature', 'odd', 'note', 'none'],
  start_time: ['now-6h', '2026-01-01T00:00:00Z', '1767225600', '1767225600000000', '-infinity', '0001-01-01'],
  end_time: ['now', '2026-01-02T00:00:00.123456+05:45', '9999-12-31T23:59:59Z', '1e99'],
  since: ['2026-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:60Z'],
  until: ['2030-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
  bucket: ['5m', '1mo', '0s', '-1h', '10s', '1 fortnight', '999999999999h'],
  tz: ['Europe/Berlin', 'UTC', 'Nowhere/None', '+25:00'],
  window: ['1h', '0s', '1000d', '-1h'],
  match: ['*', 'b*', '%', '_', '*a'.repeat(200), '\\'],
  cursor: [undefined, 'Ym9pbGVy', 'AA', '!', 'bnVsbA'],
  id: [1, 2, 9_007_199_254_740_991],
  ids: [[1], [1, 2, 3]],
  name: ['retention', 'chunks', 'none', 'points_20260101_000000'],
  topic: ['devices/boiler/temperature', '#', 'a/#/b', '$share/g/a', '+'],
  payload: ['21.5', '{"value":1e999}', '['.repeat(200)],
  payload_base64: [undefined, '/////w==', 'x'],
  all: [true],
  route: ['devices/{device_id}', 'none'],
};
/** What the question is none without, although its schema does not require it. */
const NEEDED = new Set(['device_id', 'metric_name', 'start_time', 'end_time', 'payload', 'all']);

/** A question with good parameters only; the body is JSON, or null. */
export function plainRequest({ path, parameters, body }: Operation): {
  readonly target: string;
  readonly body: string | null;
} {
  const good = (name: string, schema: Schema) =>
    HINTS[name]?.[0] ?? schema.default ?? schema.enum?.[0] ?? '1';
  const sent = (name: string, schema: Schema) => {
    const value = good(name, schema);
    return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value));
  };
  const isNeeded = (name: string, required = false) => required || NEEDED.has(name);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => sent(name, {}));
  const query = parameters
    .filter((one) => one.in === 'query' && isNeeded(one.name, one.required))
    .map(({ name, schema }) => `${name}=${sent(name, schema)}`);
  const fields = Object.entries(body?.properties ?? {})
    .filter(([name]) => isNeeded(name, body?.required?.includes(name)))
    .map(([name, schema]) => [name, good(name, schema)]);
  return {
    target: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    body: body === null ? null : JSON.stringify(Object.fromEntries(fields)),
  };
}
