import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LiveFeed } from '../../src/live/feed.ts';
import type { LiveListener } from '../../src/live/listener.ts';
import type { LivePoint } from '../../src/live/types.ts';
import { storedPoints } from '../../src/postgres/stored-points.ts';
import { never, openWithReader } from '../integration/postgres/sinks.ts';
import { ENGINES } from '../support/engines.ts';
import { batches, message } from '../unit/pipeline/messages.ts';
import { HOUR, SECOND } from './inputs.ts';

/** Of few times and values, so that many come twice, with the same value or another. */
const put = fc.record({
  device: fc.constantFrom('a', 'ü/☃'),
  metric: fc.constantFrom('x', 'y'),
  second: fc.nat({ max: 6 }),
  value: fc.constantFrom(1, 2, Number.NaN, Number.POSITIVE_INFINITY, -0, 'on', 'off'),
});

for (const kind of ENGINES) {
  for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
    test(`on ${kind.name} with ${onDuplicate}, what is told is what is stored`, {
      skip: kind.skip,
    }, async (t) => {
      const { database, sink, pool } = await openWithReader(t, kind, { onDuplicate });
      const feed = new LiveFeed({
        listeners: 1,
        room: 1_000,
        stored: (points) => storedPoints(pool, points),
      });
      const next = batches();
      const begin = Date.now() * 1000 - HOUR;
      const all = async () =>
        new Map(
          (
            await database.query<{ key: string; value: number | null; text: string | null }>(
              `SELECT jsonb_build_array(device_id, metric_name, (extract(epoch FROM "timestamp") * 1000000)::bigint, 'number')::text AS key,
                 value, NULL AS text FROM iot_data
               UNION ALL
               SELECT jsonb_build_array(device_id, metric_name, (extract(epoch FROM "timestamp") * 1000000)::bigint, 'string')::text,
                 NULL, value FROM iot_text`,
            )
          ).map(({ key, value, text }) => [JSON.stringify(JSON.parse(key)), value ?? text]),
        );
      const property = fc.asyncProperty(
        fc.array(put, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        async (puts, shift) => {
          const listener = feed.listen({
            devices: null,
            metrics: null,
            match: '*',
            visible: null,
          }) as LiveListener;
          const before = await all();
          const batch = next(
            ...puts.map(({ device, metric, second, value }) =>
              message((out) => {
                const time = begin + (second + (shift % 50) * 4) * SECOND;
                if (typeof value === 'number') out.number(device, metric, time, value, 'gauge');
                else out.text(device, metric, time, value, second % 2 === 0);
              }),
            ),
          );
          feed.observer.committed(batch, await sink.write(batch, never()), 0, 0);
          const after = await all();
          const added = [...after.keys()].filter((key) => !before.has(key));
          const told = new Map<string, LivePoint['value']>();
          // Once its point is told, so are all before it.
          const last = next(message((out) => out.number('end', 'x', begin, 0, 'gauge')));
          feed.observer.committed(last, await sink.write(last, never()), 0, 0);
          for (let ended = false; !ended; ) {
            const news = await listener.take(60_000);
            for (const { deviceId, metricName, timestamp, value } of news?.points ?? []) {
              ended ||= deviceId === 'end';
              if (deviceId === 'end') continue;
              const key = JSON.stringify([deviceId, metricName, timestamp, typeof value]);
              assert.ok(!told.has(key), `${key} twice`);
              told.set(key, value);
            }
            assert.equal(news?.lost, 0);
          }
          listener.close();
          for (const [key, value] of told) assert.deepEqual(value, after.get(key), key);
          assert.deepEqual(
            added.filter((key) => !told.has(key)),
            [],
            'new, and not told',
          );
        },
      );
      await fc.assert(property, { numRuns: 40 });
    });
  }
}
