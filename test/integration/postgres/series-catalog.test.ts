import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'pg';
import { SeriesRegistry } from '../../../src/pipeline/series-registry.ts';
import type { Series, SeriesKind } from '../../../src/pipeline/types.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { SeriesCatalog } from '../../../src/postgres/series-catalog.ts';
import { SeriesDescriptions } from '../../../src/postgres/series-descriptions.ts';
import { createDatabase } from '../../support/database.ts';

const NAMES = schemaNames('public');
/** Who asks it anything fails. */
const NOBODY = {
  query: () => Promise.reject(new Error('the database was asked')),
} as unknown as Client;

/** As after a million others: an object that knows nothing but its names. */
function anew(metric: string, kind: SeriesKind = 'gauge'): Series {
  return new SeriesRegistry(10).intern('pump', metric, kind);
}

async function ground(stack: AsyncDisposableStack) {
  const database = stack.use(await createDatabase({ template: true }));
  const client = new Client(database.url);
  await client.connect();
  stack.defer(() => client.end());
  const open = () =>
    new SeriesCatalog(NAMES, 1_000, new SeriesDescriptions(NAMES, true, () => assert.fail('a unit changed')));
  return { client, open };
}

test('a series whose object was forgotten is known again without the database', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, open } = await ground(stack);
  const catalog = open();
  const [created, switched] = [anew('pressure'), anew('switch', 'state')];
  await catalog.resolve(client, [created, switched]);
  const [pressure, state] = [anew('pressure'), anew('switch', 'state')];
  await catalog.resolve(NOBODY, [pressure, state]);
  assert.deepEqual([pressure.id, pressure.storedKind], [created.id, 'gauge']);
  assert.deepEqual([state.id, state.storedKind], [switched.id, 'state']);
});

test('one that is there already is looked up once', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, open } = await ground(stack);
  const created = anew('pressure');
  await open().resolve(client, [created]);
  const catalog = open();
  await assert.rejects(catalog.resolve(NOBODY, [anew('pressure')]), /was asked/);
  await catalog.resolve(client, [anew('pressure')]);
  const again = anew('pressure');
  await catalog.resolve(NOBODY, [again]);
  assert.equal(again.id, created.id);
});

test('after a correction by hand it is looked up anew', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, open } = await ground(stack);
  const catalog = open();
  await catalog.resolve(client, [anew('pressure')]);
  catalog.changed(1);
  await assert.rejects(catalog.resolve(NOBODY, [anew('pressure')]), /was asked/);
  await catalog.resolve(client, [anew('pressure')]);
  await catalog.resolve(NOBODY, [anew('pressure')]);
});

test('what a message said of it, and a kind that changed, come from the database', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, open } = await ground(stack);
  const catalog = open();
  await catalog.resolve(client, [anew('pressure'), anew('counts')]);
  const described = anew('pressure');
  described.meta = { unit: 'bar' };
  described.describedAt = 1;
  described.described = described.meta;
  await catalog.resolve(client, [described, anew('counts', 'counter')]);
  const [pressure, counts] = [anew('pressure'), anew('counts', 'counter')];
  await catalog.resolve(client, [pressure, counts]);
  assert.deepEqual(pressure.storedMeta, { unit: 'bar' });
  assert.equal(counts.storedKind, 'counter');
});

test('of a text its latest value is always asked for', async () => {
  await using stack = new AsyncDisposableStack();
  const { client, open } = await ground(stack);
  const catalog = open();
  await catalog.resolve(client, [anew('mode', 'text')]);
  await assert.rejects(catalog.resolve(NOBODY, [anew('mode', 'text')]), /was asked/);
});
