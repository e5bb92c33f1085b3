import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { buildApplication } from '../../../src/http/application.ts';
import { httpOptions, TOKENS } from '../../support/http-ports.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly description?: string;
    readonly required?: boolean;
    readonly schema: { readonly default?: unknown };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly security?: readonly object[];
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

async function documentOf(over: Parameters<typeof httpOptions>[0] = {}): Promise<Document> {
  const app = await buildApplication(httpOptions(over));
  const headers = { host: 'localhost:8001' };
  const document = (await app.inject({ url: '/openapi.json', headers })).json<Document>();
  assert.deepEqual((await app.inject({ url: '/docs/json', headers })).json(), document);
  return document;
}

function operations({ paths }: Document): [string, Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

/** Where properties have no description. */
function undescribed(schema: Schema, path: string): string[] {
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
      ...((property.description ?? '') === '' ? [`${path}.${name}`] : []),
      ...undescribed(property, `${path}.${name}`),
    ]),
    ...(schema.items === undefined ? [] : undescribed(schema.items, `${path}[]`)),
    ...(schema.anyOf ?? []).flatMap((one) => undescribed(one, path)),
  ];
}

test('openapi.json is valid OpenAPI 3.1, with tokens and without', async () => {
  for (const tokens of [[], TOKENS]) {
    const document = await documentOf({ tokens });
    assert.equal(document.openapi, '3.1.0');
    assert.equal(document.info.version, '1.2.3');
    const { valid, errors } = await new Validator().validate({ ...document });
    assert.ok(valid, JSON.stringify(errors, null, 2)?.slice(0, 5_000));
    assert.equal(document.security?.length ?? 0, tokens.length > 0 ? 1 : 0);
  }
});

test('every endpoint is there once, with a summary, a known tag and its problems', async () => {
  const document = await documentOf();
  const tags = new Set(document.tags.map(({ name }) => name));
  for (const [name, { summary, tags: own, responses }] of operations(document)) {
    assert.doesNotMatch(name, /\/v1\//);
    assert.ok((summary ?? '') !== '', name);
    assert.deepEqual(
      own?.map((tag) => tags.has(tag)),
      [true],
      `${name}: ${own?.join(', ')}`,
    );
    assert.ok(
      Object.keys(responses).some((status) => status.startsWith('2')),
      name,
    );
    if (!name.includes(' /api/')) continue;
    for (const status of ['4XX', '5XX'])
      assert.ok(responses[status]?.content?.['application/problem+json'], `${name} ${status}`);
  }
  assert.ok(document.paths['/api/stats/ingest'] && document.paths['/healthz'] && document.paths['/metrics']);
});

test('a parameter that has a default is not required', async () => {
  for (const [name, { parameters = [] }] of operations(await documentOf()))
    for (const { name: parameter, required, schema } of parameters)
      assert.ok(required !== true || schema.default === undefined, `${name} ?${parameter}`);
});

test('every parameter and every field is described', async () => {
  const document = await documentOf();
  const shared = Object.entries(document.components.schemas);
  assert.deepEqual(
    shared.map(([name]) => name),
    ['Problem'],
  );
  const missing = operations(document).flatMap(([name, { parameters = [], requestBody, responses }]) => [
    ...parameters.filter(({ description = '' }) => description === '').map((one) => `${name} ?${one.name}`),
    ...[requestBody, ...Object.values(responses)].flatMap((part) =>
      Object.values(part?.content ?? {}).flatMap(({ schema }) => undescribed(schema, name)),
    ),
  ]);
  assert.deepEqual([...missing, ...shared.flatMap(([name, schema]) => undescribed(schema, name))], []);
});
