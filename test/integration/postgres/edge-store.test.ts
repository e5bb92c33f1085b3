import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EdgeEvent } from '../../../src/pipeline/types.ts';
import { EdgeStore } from '../../../src/postgres/edge-store.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from '../../support/engines.ts';
import { birth, message, NEW_YEAR } from '../../unit/pipeline/messages.ts';
import { openSink } from './sinks.ts';

const telling = (...events: readonly EdgeEvent[]) =>
  message((out) => {
    for (const event of events) out.edge?.(event);
  });
const death = (edge: string, receivedAt: number): EdgeEvent => ({
  ...birth(edge, receivedAt),
  kind: 'death',
  definition: null,
});
const ofDevice = (event: EdgeEvent, device: string): EdgeEvent => ({ ...event, device });

/** All that is kept for a client id. */
async function load(database: TestDatabase, clientId = 'test'): Promise<EdgeEvent[]> {
  const store = new EdgeStore(schemaNames('public'), clientId);
  const events: EdgeEvent[] = [];
  for await (const page of store.load(await database.connect())) events.push(...page);
  return events;
}

test('births and deaths come back as they were, of the client id alone', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await using other = openSink(database, { clientId: 'other' });
  const events = [
    { ...birth('G/E', NEW_YEAR + 1), bdSeq: null },
    ofDevice(birth('G/E', NEW_YEAR + 2), 'd'),
    death('G/E', NEW_YEAR + 3),
  ];
  await sink.put(telling(...events));
  // A batch that is written again says the same again.
  await sink.put(telling(...events));
  await other.put(telling(birth('G/F', NEW_YEAR)));
  const [first, second, third] = events;
  assert.deepEqual(await load(database), [first, third, second]);
  assert.deepEqual(await load(database, 'other'), [birth('G/F', NEW_YEAR)]);
});

test('many are read in pages, and of each node only the latest are kept', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const nodes = [null, 'd', 'e'];
  for (let round = 0; round < 5; round++) {
    const events = Array.from({ length: 40 }, (_, index) =>
      nodes.map((device) => ({ ...birth('G/E', NEW_YEAR + round * 40 + index), device })),
    );
    await sink.put(telling(...events.flat()));
  }
  const events = await load(database);
  assert.equal(events.length, 3 * 128);
  for (const node of nodes) {
    const times = events
      .filter(({ device }) => device === node)
      .map(({ receivedAt }) => receivedAt - NEW_YEAR);
    assert.deepEqual([times[0], times.at(-1)], [72, 199]);
  }
});

test('what is forgotten goes with its devices, what came after stays', async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  const later = birth('G/E', NEW_YEAR + 10);
  await sink.put(telling(birth('G/E', NEW_YEAR), ofDevice(birth('G/E', NEW_YEAR + 1), 'd'), later));
  await sink.put(telling({ ...death('G/E', NEW_YEAR + 5), kind: 'forgotten' }));
  assert.deepEqual(await load(database), [later]);
});

test('the other engine keeps them too', WITH_TIMESCALEDB, async () => {
  await using database = await createHypertableDatabase();
  await using sink = openSink(database, { engine: 'timescaledb' });
  await sink.put(telling(birth('G/E', NEW_YEAR)));
  assert.deepEqual(await load(database), [birth('G/E', NEW_YEAR)]);
});
