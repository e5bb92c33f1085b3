import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BatchBuilder } from '../../src/pipeline/batch-builder.ts';
import { SeriesRegistry } from '../../src/pipeline/series-registry.ts';
import type { SeriesMeta } from '../../src/pipeline/types.ts';
import { DeviceDirectory } from '../../src/postgres/device-directory.ts';
import { LatestPoints } from '../../src/postgres/latest-points.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import type { SinkOptions } from '../../src/postgres/sink-options.ts';
import { correct } from '../integration/corrections/corrections.ts';
import { never, openSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES, type EngineUnderTest } from '../support/engines.ts';
import { message, NEW_YEAR, SECOND, scriptedDecoder, TAKE_ALL } from '../unit/pipeline/messages.ts';

interface Said {
  readonly device?: string;
  readonly metric?: string;
  /** Seconds of its receipt. */
  readonly at: number;
  readonly meta?: SeriesMeta;
  readonly text?: boolean;
}

/** A daemon with a memory of its own. */
async function daemon(
  kind: EngineUnderTest,
  database: TestDatabase,
  options: Partial<SinkOptions> = {},
): Promise<AsyncDisposable & { say(...all: Said[]): Promise<void> }> {
  const sink = openSink(database, { engine: kind.name, ...options });
  const builder = new BatchBuilder(scriptedDecoder, new SeriesRegistry(1_000), TAKE_ALL, () => {});
  return {
    say: async (...all) => {
      for (const { device = 'd', metric = 'm', at, meta, text = false } of all) {
        builder.add(
          message(
            (out) => {
              if (text) out.text(device, metric, NEW_YEAR + at * SECOND, `${at}`, false);
              else out.number(device, metric, NEW_YEAR + at * SECOND, at, 'gauge');
              if (meta !== undefined) out.describe(meta);
            },
            { receivedAt: NEW_YEAR + at * SECOND },
          ),
        );
      }
      await sink.write(builder.seal(), never());
    },
    [Symbol.asyncDispose]: () => sink.close(),
  };
}

async function described(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<Record<string, string | object | null>>(
    `SELECT device_id, metric_name, kind, unit, tags, device_name FROM iot_series ORDER BY 1, 2, 3`,
  );
  return rows.map((row) =>
    Object.values(row)
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      .join(' '),
  );
}

/** Writes of rows of series and of names so far: what does not change must not be written. */
async function versions(database: TestDatabase): Promise<unknown> {
  return await database.query(
    `SELECT xmin::text FROM tidegate.series UNION ALL SELECT xmin::text FROM tidegate.device_names ORDER BY 1`,
  );
}

for (const kind of ENGINES) {
  suite(`descriptions of series on ${kind.name}`, { skip: kind.skip }, () => {
    test('what a message says is stored, once, and the newest wins key by key', async () => {
      await using database = await kind.createDatabase();
      const changes: unknown[] = [];
      await using one = await daemon(kind, database, { onUnitChange: (change) => changes.push(change) });
      const meta = { unit: 'Cel', tags: { site: 'berlin', line: '1' }, deviceName: 'Kitchen' };
      await one.say(
        { at: 1, meta },
        { at: 1, metric: 'plain' },
        { at: 1, metric: 'm', text: true, meta: { tags: { site: 'bonn' } } },
      );
      const first = [
        'd m gauge Cel {"line":"1","site":"berlin"} Kitchen',
        'd m text null {"site":"bonn"} Kitchen',
        'd plain gauge null {} Kitchen',
      ];
      assert.deepEqual(await described(database), first);
      const written = await versions(database);
      await one.say({ at: 2, meta }, { at: 3, meta: { ...meta } }, { at: 4 });
      await using other = await daemon(kind, database);
      await other.say({ at: 5, meta: { ...meta } }, { at: 6, meta: { unit: 'Cel' } });
      assert.deepEqual(await versions(database), written);
      assert.deepEqual(await described(database), first);
      await one.say({ at: 7, meta: { unit: 'K', deviceName: 'Cellar' } }, { at: 8, meta: { tags: {} } });
      assert.equal((await described(database))[0], 'd m gauge K {} Cellar');
      assert.deepEqual(changes, [{ deviceId: 'd', metricName: 'm', before: 'Cel', after: 'K' }]);
    });

    test('a message that was received before adds what is unknown and changes nothing', async () => {
      await using database = await kind.createDatabase();
      await using live = await daemon(kind, database);
      await live.say({ at: 10, meta: { unit: 'Cel' } });
      const old = { unit: 'K', tags: { site: 'berlin' }, deviceName: 'Kitchen' };
      // Out of the spool of the same daemon; and of one that knows nothing of what was said since.
      await live.say({ at: 5, meta: old });
      assert.deepEqual(await described(database), ['d m gauge Cel {"site":"berlin"} Kitchen']);
      await using other = await daemon(kind, database);
      await other.say({ at: 6, meta: { ...old, deviceName: 'Cellar', tags: { site: 'bonn' } } });
      assert.deepEqual(await described(database), ['d m gauge Cel {"site":"berlin"} Kitchen']);
      await using replay = await daemon(kind, database, { describes: 'unknown' });
      await replay.say(
        { at: 20, meta: { unit: 'K', deviceName: 'Cellar' } },
        { at: 20, metric: 'new', meta: old },
      );
      assert.deepEqual(await described(database), [
        'd m gauge Cel {"site":"berlin"} Kitchen',
        'd new gauge K {"site":"berlin"} Kitchen',
      ]);
    });

    test('what PostgreSQL cannot hold in a text harms no point', async () => {
      await using database = await kind.createDatabase();
      await using one = await daemon(kind, database);
      await one.say({ at: 1, meta: { unit: 'a\0\ud800', tags: { 'k\0': '\udc00' }, deviceName: '\0' } });
      assert.deepEqual(await described(database), ['d m gauge a\ufffd\ufffd {"k\ufffd":"\ufffd"} \ufffd']);
    });

    test('tags are found by an index', async () => {
      await using database = await kind.createDatabase();
      await using one = await daemon(kind, database);
      await one.say(
        { at: 1, meta: { tags: { site: 'berlin', line: '1' }, deviceName: 'Kitchen' } },
        { at: 1, metric: 'o', meta: { tags: { site: 'bonn' } } },
      );
      const found = await database.query(
        `SELECT metric_name, value FROM iot_data JOIN iot_series USING (device_id, metric_name) WHERE tags @> '{"site": "berlin"}'`,
      );
      assert.deepEqual(found, [{ metric_name: 'm', value: 1 }]);
      const pool = new QueryPool({
        url: database.url,
        schema: 'public',
        statementTimeout: 30_000,
        connections: 1,
      });
      const all = { devices: null, metrics: null, match: '*', visible: null, after: null, limit: 10 };
      const { series } = await new LatestPoints(pool).page({ ...all, tags: { site: 'berlin' } });
      assert.deepEqual(
        series.map(({ metric_name, device_name, unit, tags }) => [metric_name, device_name, unit, tags]),
        [['m', 'Kitchen', null, { site: 'berlin', line: '1' }]],
      );
      const list = async (tags: Record<string, string>) =>
        (await new DeviceDirectory(pool).list({ ...all, state: null, tags })).map(
          ({ device_id, device_name }) => [device_id, device_name],
        );
      assert.deepEqual(await list({ site: 'bonn' }), [['d', 'Kitchen']]);
      assert.deepEqual(await list({ site: 'bonn', line: '1' }), [], 'of one series, not of several');
      const shown = await new DeviceDirectory(pool).find('d', null);
      assert.deepEqual([shown.device_name, shown.metrics[1]?.tags], ['Kitchen', { site: 'bonn' }]);
      await pool.close();
      const client = await database.connect();
      await client.query('SET enable_seqscan = off');
      const { rows } = await client.query(
        `EXPLAIN SELECT device_id FROM iot_series WHERE tags @> '{"site": "berlin"}'`,
      );
      assert.match(JSON.stringify(rows), /series_tags/);
    });

    test('corrections keep it', async () => {
      await using database = await kind.createDatabase();
      await using one = await daemon(kind, database);
      await one.say(
        { device: 'a', at: 1, meta: { unit: 'Cel', tags: { site: 'berlin' }, deviceName: 'Kitchen' } },
        { device: 'a', metric: 'only', at: 1, meta: { unit: 'W' } },
        { device: 'b', at: 2, meta: { unit: 'K', tags: { line: '1' } } },
        { device: 'gone', at: 1, meta: { deviceName: 'Cellar' } },
      );
      await correct(database, (corrections) => corrections.rename('a', 'c', false));
      assert.equal((await described(database))[1], 'c m gauge Cel {"site":"berlin"} Kitchen');
      const dry = await correct(database, (corrections) => corrections.merge('c', 'b', true));
      const wet = await correct(database, (corrections) => corrections.merge('c', 'b', false));
      assert.deepEqual([wet.counts['units'], wet.counts], [1, dry.counts]);
      const merged = ['b m gauge K {"line":"1","site":"berlin"} Kitchen', 'b only gauge W {} Kitchen'];
      assert.deepEqual((await described(database)).slice(0, 2), merged);
      const whole = { device: 'gone', metric: null, from: null, to: null };
      await correct(database, (corrections) => corrections.delete(whole, false));
      // The daemon still knows what it is called, and that a message said nothing of tags.
      await one.say({ device: 'gone', at: 3 }, { device: 'a', at: 4, meta: { unit: 'F' } });
      assert.deepEqual(await described(database), [
        'b m gauge F {"line":"1","site":"berlin"} Kitchen',
        merged[1],
        'gone m gauge null {} Cellar',
      ]);
    });
  });
}
