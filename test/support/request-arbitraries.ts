/** Requests of an endpoint as its schemas describe them, and such as no schema does. */

import * as fc from 'fast-check';
import { HINTS, type Operation, type Schema } from './api-operations.ts';
import type { RawRequest } from './raw-request.ts';

/** Texts that programs stumble over; a text that begins with % is sent as it is. */
const HOSTILE = [
  '',
  ' ',
  '\0',
  'a\0b',
  '%00',
  '%zz',
  '%',
  '%ED%A0%80',
  '%FF%FE',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '%252e%252e%252f',
  '../../etc/passwd',
  '..\\..\\windows',
  "' OR '1'='1",
  "'; DROP TABLE iot_data; --",
  '$$; SELECT pg_sleep(100); $$',
  '"',
  '\\',
  '{}',
  '[]',
  'null',
  'undefined',
  'true',
  'NaN',
  'Infinity',
  '-Infinity',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '9'.repeat(400),
  '0x10',
  '9223372036854775808',
  '9007199254740993',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '温度',
  '💩'.repeat(50),
  '\u202E\u200B',
  'e\u0301'.repeat(300),
  'a'.repeat(4_000),
  '*'.repeat(1_000),
  '%25'.repeat(1_000),
  '<script>alert(1)</script>',
  '\r\nSet-Cookie: a=b',
  '0000-00-00T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '-infinity',
  'epoch',
  'now() - interval',
] as const;

/** As it goes into the target of a request. */
function encoded(text: string): string {
  return /^%[\x21-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

function hostile(): fc.Arbitrary<string> {
  const drawn = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 2, arbitrary: drawn.filter((text) => !text.startsWith('%')) },
  );
}

/** What the schema allows, more or less: patterns are left to chance. */
function allowed(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const hints = HINTS[name];
  const own = described(name, schema);
  return hints === undefined ? own : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...hints) }, own);
}

function described(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const { enum: values, anyOf, type, items, properties, minimum, maximum } = schema;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (values !== undefined) return fc.constantFrom(...values);
  if (anyOf !== undefined) return fc.oneof(...anyOf.map((one) => allowed(name, one)));
  if (type === 'integer' || type === 'number') {
    const bounds = { min: minimum ?? -1_000_000, max: Math.max(minimum ?? 0, maximum ?? 1_000_000) };
    const edges = fc.constantFrom(bounds.min, bounds.max, bounds.min - 1, bounds.max + 1);
    return fc.oneof(edges, type === 'integer' ? fc.integer(bounds) : fc.double({ ...bounds, noNaN: true }));
  }
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') return fc.array(allowed(name, items ?? {}), { maxLength: 5 });
  if (type === 'object') return objectOf(properties ?? {});
  if (schema.format === 'date-time')
    return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  return fc.string({ unit: 'grapheme', maxLength: 30 });
}

function objectOf(properties: Readonly<Record<string, Schema>>): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, schema]) => [
    name,
    fc.oneof({ weight: 5, arbitrary: allowed(name, schema) }, fc.oneof(hostile(), fc.jsonValue())),
  ]);
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] });
}

/** One value of a parameter as it is sent. */
function sent(name: string, schema: Schema): fc.Arbitrary<string> {
  const good = allowed(name, schema).map((value) =>
    encoded(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')),
  );
  return fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: hostile().map(encoded) });
}

/** `name=value` pairs, some of them twice, some of names that are not known. */
function query(operation: Operation): fc.Arbitrary<string> {
  const pairs = operation.parameters
    .filter((one) => one.in === 'query')
    .map(({ name, required, schema }) =>
      fc
        .tuple(
          fc.constantFrom(...(required === true ? [1, 1, 1, 1, 2, 0] : [0, 0, 1, 1, 2])),
          fc.array(sent(name, schema), { minLength: 2, maxLength: 2 }),
        )
        .map(([times, values]) => values.slice(0, times).map((value) => `${name}=${value}`)),
    );
  const strange = fc.oneof(
    { weight: 6, arbitrary: fc.constant<string[]>([]) },
    fc.tuple(hostile(), hostile()).map(([name, value]) => [`${encoded(name)}=${encoded(value)}`]),
    fc.constantFrom(['&&'], ['='], ['a[b]=c'], ['a[]=1'], ['#fragment'], ['?']),
  );
  return fc.tuple(...pairs, strange).map((parts) => {
    const text = parts.flat().join('&');
    return text === '' ? '' : `?${text}`;
  });
}

function path(operation: Operation): fc.Arbitrary<string> {
  const parts = operation.path.split(/(\{\w+\})/).map((part) => {
    if (!part.startsWith('{')) return fc.constant(part);
    const name = part.slice(1, -1);
    const schema = operation.parameters.find((one) => one.in === 'path' && one.name === name)?.schema ?? {};
    return sent(name, schema);
  });
  return fc.tuple(...parts).map((texts) => texts.join(''));
}

function body({ body: schema }: Operation): fc.Arbitrary<Pick<RawRequest, 'body' | 'headers'>> {
  if (schema === null) return fc.constant({ body: null });
  const json = { 'content-type': 'application/json' };
  const objects = fc.oneof(
    { weight: 6, arbitrary: described('body', schema) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
  return fc.oneof(
    { weight: 8, arbitrary: objects.map((value) => ({ headers: json, body: JSON.stringify(value) })) },
    fc.constantFrom(
      { headers: json, body: '' },
      { headers: json, body: '{"topic": ' },
      { headers: json, body: '{"__proto__": {"all": true}, "constructor": {"prototype": {"all": true}}}' },
      { headers: json, body: `${'['.repeat(20_000)}${']'.repeat(20_000)}` },
      { headers: json, body: 'x'.repeat(200_000) },
      { headers: { 'content-type': 'text/plain' }, body: 'all' },
      { headers: { 'content-type': 'multipart/form-data' }, body: '--' },
      { headers: { 'content-type': 'application/json; charset=utf-16' }, body: '{}' },
      { headers: { 'content-type': '' }, body: '{}' },
      { body: null },
    ),
  );
}

/** `authorization`: headers of that name to choose from; null is none. */
export function requests(
  operation: Operation,
  authorization: readonly (string | null)[],
): fc.Arbitrary<RawRequest> {
  return fc
    .record({
      method: fc.oneof(
        { weight: 12, arbitrary: fc.constant(operation.method) },
        fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET'),
      ),
      path: path(operation),
      version: fc.constantFrom('/api/', '/api/', '/api/v1/'),
      query: query(operation),
      body: body(operation),
      token: fc.constantFrom(...authorization),
      accept: fc.constantFrom(
        null,
        '*/*',
        'application/json',
        'text/csv',
        'application/x-ndjson',
        'text/event-stream',
        ';q=,',
      ),
    })
    .map(({ method, path, version, query, body, token, accept }) => ({
      method,
      target: path.replace(/^\/api\//, version) + query,
      body: body.body ?? null,
      headers: {
        ...body.headers,
        ...(token !== null && { authorization: token }),
        ...(accept !== null && { accept }),
      },
    }));
}
