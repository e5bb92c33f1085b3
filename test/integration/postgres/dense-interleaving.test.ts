/** Two daemons that write one series as segments and as rows: whichever comes second sees what the first one wrote. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, count, fate, openSink, type Point, points, series, type TestSink } from './sinks.ts';

let database: TestDatabase;
before(async () => {
  database = await createDatabase({ template: true });
});
after(() => database.drop());

const NOW = Math.floor(Date.now() / 1000) * SECOND;

/** Sessions of a sink that wait for a lock, perhaps that of the journal. */
async function waits(application: string, journal: boolean): Promise<boolean> {
  const found = await count(
    database,
    `pg_stat_activity a WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = $1
       AND $2 = EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted AND l.relation = 'tidegate.batches'::regclass)`,
    `tidegate ${application}`,
    journal,
  );
  return found > 0;
}

/** `first` has written its points and not committed, `second` wants to write; then both go on. */
async function overlapping(
  first: () => Promise<unknown>,
  second: () => ReturnType<TestSink['put']>,
): Promise<readonly [number, number, number]> {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE tidegate.batches IN SHARE ROW EXCLUSIVE MODE');
  const one = first();
  await eventually('the first one is at the journal', () => waits('first', true));
  const other = second();
  await eventually(
    'the second one waits',
    async () => (await waits('second', false)) || (await waits('second', true)),
  );
  await holder.query('COMMIT');
  await one;
  return fate(await other);
}

const ORDERS = {
  'segments, then rows': [16, 0],
  'rows, then segments': [0, 16],
  'segments, then segments': [16, 16],
} as const;

for (const opened of [true, false]) {
  for (const [order, [firstFrom, secondFrom]] of Object.entries(ORDERS)) {
    const kind = opened ? 'of a series that has segments' : 'of a series that has none yet';
    test(`${order} ${kind}: the same points are stored once`, async () => {
      await using first = openSink(database, { clientId: 'first', denseFrom: firstFrom });
      await using second = openSink(database, { clientId: 'second', denseFrom: secondFrom });
      const device = `${order} ${kind}`;
      await using opener = openSink(database, { denseFrom: 16 });
      await opener.put(series(device, NOW - 1_000 * SECOND, opened ? 20 : 1));
      // Both know the series and the map.
      for (const sink of [first, second]) await sink.put(series(device, NOW - 1_000 * SECOND, 1));
      const found = await overlapping(
        () => first.put(series(device, NOW, 50)),
        () => second.put(series(device, NOW + 10 * SECOND, 50, 11)),
      );
      assert.deepEqual(found, [10, 40, 0]);
      assert.equal(await count(database, 'iot_data WHERE device_id = $1', device), (opened ? 20 : 1) + 60);
      await using sparse = openSink(database, { clientId: 'sparse' });
      assert.deepEqual(
        fate(await sparse.put(series(device, NOW, 61))),
        [1, 60, 0],
        'the mark is that of both',
      );
    });
  }
}

test('batches of two daemons that want heads of the same series, in any order, do not block each other', async () => {
  await using first = openSink(database, { clientId: 'first', denseFrom: 16 });
  await using second = openSink(database, { clientId: 'second', denseFrom: 16 });
  const names = ['p', 'q'];
  for (const name of names) await first.put(series(name, NOW - 1_000 * SECOND, 20));
  const found = await overlapping(
    () => first.put(series('p', NOW, 30), series('q', NOW, 3)),
    () => second.put(series('q', NOW, 30), series('p', NOW, 3)),
  );
  assert.deepEqual(found, [27, 6, 0]);
});

test('at random, while chunks are compressed, opened and merged: every point once, and every count right', async () => {
  const day = at('2024-05-05T00:00:00Z');
  const chunk = 'points_20240505_000000';
  const engine = openPostgres(database);
  const run = fc.record({
    device: fc.constantFrom('r', 's', 't'),
    from: fc.nat(400),
    length: fc.constantFrom(1, 4, 20, 60),
  });
  const plan = fc.sample(fc.array(run, { minLength: 1, maxLength: 4 }), { numRuns: 80 });
  const sinks = [16, 16, 0].map((denseFrom, index) =>
    openSink(database, { clientId: `random ${index}`, denseFrom }),
  );
  await sinks[0]?.put(series('others', day + 7_200 * SECOND, 1_000));
  const fates = [0, 0, 0];
  const wanted = new Set<string>();
  let sent = 0;
  const done = new AbortController();
  const write = async (sink: TestSink): Promise<void> => {
    for (let batch = plan.pop(); batch !== undefined; batch = plan.pop()) {
      const all = batch.flatMap(({ device, from, length }) =>
        Array.from(
          { length },
          // Later batches are later, by and large.
          (_, index): Point => ({
            device,
            metric: 'x',
            time: day + ((80 - plan.length) * 10 + from + index) * SECOND,
            value: index % 2,
          }),
        ),
      );
      // One value for a time, so that none is a conflict.
      const same = all.map((one) => ({ ...one, value: (one.time / SECOND) % 7 }));
      for (const { device, time } of same) wanted.add(`${device} ${time}`);
      sent += same.length;
      for (const [index, amount] of fate(await sink.put(points(same))).entries())
        fates[index] = (fates[index] as number) + amount;
    }
  };
  const tend = async (): Promise<void> => {
    while (!done.signal.aborted) {
      await database.query('UPDATE tidegate.series_heads SET small = 99 WHERE small > 0');
      await runJob(engine, 'chunks');
      await engine.compress(chunk).catch(() => undefined);
      await runJob(engine, 'compression');
      await engine.decompress(chunk).catch(() => undefined);
    }
  };
  const tending = tend();
  await Promise.all([...sinks, ...sinks].map(write)).finally(() => done.abort());
  await tending;
  for (const sink of sinks) await sink.close();
  assert.deepEqual(fates, [wanted.size, sent - wanted.size, 0]);
  assert.equal(await count(database, `iot_data WHERE device_id IN ('r', 's', 't')`), wanted.size);
  assert.equal(
    await count(
      database,
      `(SELECT DISTINCT device_id, timestamp FROM iot_data WHERE device_id IN ('r', 's', 't'))`,
    ),
    wanted.size,
  );
});
