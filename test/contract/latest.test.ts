import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { DeviceDirectory } from '../../src/postgres/device-directory.ts';
import type { DevicePage, DeviceSummary } from '../../src/postgres/device-series.ts';
import { isoOf } from '../../src/iso-time.ts';
import { LatestPoints, type LatestQuestion, type SeriesPlace } from '../../src/postgres/latest-points.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { correct } from '../integration/corrections/corrections.ts';
import { openSink, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { message } from '../unit/pipeline/messages.ts';
import { HOUR, SECOND } from './inputs.ts';

const DEVICES = ['a', 'a/b', 'A_1', 'ü ☃', '%', 'plant/1', 'plant/2'];
const METRICS = ['x', 'y%', 'note'];
/** Of few times, so that points meet. */
const point = fc.record({
  device: fc.constantFrom(...DEVICES),
  metric: fc.constantFrom(...METRICS),
  second: fc.nat({ max: 20 }),
  value: fc.oneof(fc.double(), fc.constantFrom('on', 'NaN', '', 'it is – ☃', Number.POSITIVE_INFINITY, -0)),
});
const ALL: LatestQuestion = {
  devices: null,
  metrics: null,
  match: '*',
  visible: null,
  after: null,
  limit: 10_000,
};
const some = (from: readonly string[]) => fc.option(fc.subarray([...from, 'nobody', 'no\0body']));
const question = fc.record({
  devices: some(DEVICES),
  metrics: some(METRICS),
  match: fc.constantFrom('*', 'plant/*', 'a*', '%', 'A_1', '*_*', 'x*'),
  visible: fc.option(fc.subarray(['plant/', 'a', 'ü', '%', ''], { maxLength: 3 })),
  limit: fc.integer({ min: 1, max: 6 }),
});

interface Shown {
  readonly device_id: string;
  readonly metric_name: string;
  readonly value: number | string | null;
  readonly timestamp: string;
}

for (const kind of ENGINES) {
  suite(`latest points on ${kind.name}`, { skip: kind.skip }, () => {
    const begin = Date.now() * 1000 - HOUR;
    let database: TestDatabase;
    let sink: TestSink;
    let pool: QueryPool;
    let latest: LatestPoints;
    before(async () => {
      database = await kind.createDatabase();
      sink = openSink(database, { engine: kind.name });
      pool = new QueryPool({ url: database.url, schema: 'public', statementTimeout: 30_000, connections: 2 });
      latest = new LatestPoints(pool);
    });
    after(async () => {
      await pool.close();
      await sink.close();
      await database.drop();
    });

    /** Page after page. */
    async function all(wanted: LatestQuestion): Promise<Shown[]> {
      const points: Shown[] = [];
      let place: SeriesPlace | null = null;
      do {
        const page: Awaited<ReturnType<LatestPoints['page']>> = await latest.page({
          ...wanted,
          after: place,
        });
        assert.ok(page.series.length <= wanted.limit);
        for (const [row, { device_id, metric_name }] of page.series.entries()) {
          const timestamp = isoOf(page.times[row] as number);
          points.push({ device_id, metric_name, value: page.values[row] as Shown['value'], timestamp });
        }
        place = page.next;
      } while (place !== null);
      return points;
    }

    const byName = (points: readonly Shown[]) =>
      points
        .map(({ device_id, metric_name, value, timestamp }) => ({ device_id, metric_name, value, timestamp }))
        .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));

    /** Page after page. */
    async function allDevices(wanted: Omit<DevicePage, 'after'>): Promise<DeviceSummary[]> {
      const directory = new DeviceDirectory(pool);
      const devices: DeviceSummary[] = [];
      for (;;) {
        const page = await directory.list({ ...wanted, after: devices.at(-1)?.device_id ?? null });
        devices.push(...page);
        if (page.length < (wanted.limit ?? Infinity)) return devices;
      }
    }

    async function heldDevices(): Promise<DeviceSummary[]> {
      const time = (column: string) =>
        `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
      return await database.query<DeviceSummary>(
        `SELECT device_id, device_name, series::float8, points::float8, ${time('first_seen')}, ${time('last_seen')},
           state, ${time('last_arrival')}, expected_interval, clock_skew FROM iot_devices ORDER BY device_id`,
      );
    }

    async function stored(): Promise<Shown[]> {
      return byName(
        await database
          .query<Shown>(
            `SELECT device_id, metric_name, CASE WHEN value IS NULL THEN to_jsonb(text) END AS value, value AS number,
             to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp FROM iot_latest`,
          )
          .then((rows) =>
            rows.map((row) => ({
              ...row,
              value: row.value ?? (row as unknown as { number: number }).number,
            })),
          ),
      );
    }

    test('pages of every question hold what iot_latest says, folded and not', async () => {
      const round = fc.asyncProperty(
        fc.array(point, { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        fc.array(question, { minLength: 3, maxLength: 3 }),
        async (points, folded, questions) => {
          await sink.put(
            message((out) => {
              for (const { device, metric, second, value } of points) {
                const time = begin + second * SECOND + second;
                if (typeof value === 'number') out.number(device, metric, time, value, 'gauge');
                else out.text(device, metric, time, value, false);
              }
            }),
          );
          if (folded) await sink.maintain(() => ({ records: new Set(), earlier: false }));
          const expected = await stored();
          assert.deepEqual(byName(await all({ ...ALL, limit: 2 })), expected);
          for (const wanted of questions) {
            const its = expected.filter(
              ({ device_id: device, metric_name: metric }) =>
                (wanted.devices?.includes(device) ?? true) &&
                (wanted.metrics?.includes(metric) ?? true) &&
                matches(wanted.match, device) &&
                (wanted.visible?.some((prefix) => device.startsWith(prefix)) ?? true),
            );
            assert.deepEqual(byName(await all({ ...ALL, ...wanted })), its, JSON.stringify(wanted));
            const { match, visible, limit } = wanted;
            const devices = (await heldDevices()).filter(
              ({ device_id: device }) =>
                matches(match, device) && (visible?.some((prefix) => device.startsWith(prefix)) ?? true),
            );
            assert.deepEqual(await allDevices({ match, visible, limit, state: null }), devices);
          }
        },
      );
      await fc.assert(round, { numRuns: 12 });
    });

    test('a device that is renamed while a page is read moves to where its name belongs, and hides no other', async () => {
      const devices = ['page/1', 'page/2', 'page/3'];
      await sink.put(
        message((out) => {
          for (const device of devices) out.number(device, 'x', begin, 1, 'gauge');
        }),
      );
      let renamed = false;
      // Between the two questions of a page, of which the second asks for names that are not known yet.
      const single = new QueryPool({
        url: database.url,
        schema: 'public',
        statementTimeout: 30_000,
        connections: 1,
      });
      await single.lend(async (client) => {
        const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
        const before = async (...parameters: unknown[]) => {
          if (!renamed && (parameters[0] as { name?: string }).name === 'known series') {
            renamed = true;
            await correct(database, (corrections) => corrections.rename('page/2', 'page/9', false));
          }
          return await query(...parameters);
        };
        Object.assign(client, { query: before });
      });
      const fresh = new LatestPoints(single);
      const seen: string[] = [];
      let place: SeriesPlace | null = null;
      do {
        const page: Awaited<ReturnType<LatestPoints['page']>> = await fresh.page({
          ...ALL,
          match: 'page/*',
          limit: 2,
          after: place,
        });
        seen.push(...page.series.map(({ device_id }) => device_id));
        place = page.next;
      } while (place !== null);
      assert.ok(renamed);
      assert.deepEqual(seen, ['page/1', 'page/3', 'page/9']);
      await single.close();
    });

    test('a deletion of points is seen at once, though their batch is not folded', async () => {
      const put = (time: number, value: number) =>
        sink.put(message((out) => out.number('meter', 'x', time, value, 'gauge')));
      await put(begin + HOUR / 2, 1);
      await put(begin + HOUR / 2 + SECOND, 2);
      const shown = async () => (await all({ ...ALL, devices: ['meter'] })).map(({ value }) => value);
      assert.deepEqual(await shown(), [2]);
      const from = isoOf(begin + HOUR / 2 + SECOND);
      await correct(database, (corrections) =>
        corrections.delete({ device: 'meter', metric: null, from, to: null }, false),
      );
      assert.deepEqual(await shown(), [1]);
    });

    test('a device is shown with its metrics, as iot_series has them', async () => {
      const directory = new DeviceDirectory(pool);
      const latest = await stored();
      for (const device of new Set(latest.map(({ device_id }) => device_id))) {
        const { metrics, ...summary } = await directory.find(device, null);
        const listed = await directory.list({
          match: '*',
          state: null,
          after: null,
          limit: null,
          visible: [device],
        });
        assert.deepEqual(
          summary,
          listed.find(({ device_id }) => device_id === device),
        );
        assert.deepEqual(
          byName(
            metrics.map(({ metric_name, value, timestamp }) => ({
              device_id: device,
              metric_name,
              value,
              timestamp: timestamp as string,
            })),
          ),
          latest.filter(({ device_id }) => device_id === device),
        );
        const series = await database.query<object>(
          `SELECT metric_name, kind, unit, tags, points::int,
             to_char(first_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS first_seen,
             to_char(last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_seen
           FROM iot_series WHERE device_id = $1 ORDER BY metric_name COLLATE "C", kind = 'text'`,
          [device],
        );
        assert.deepEqual(
          metrics.map(({ value: _value, timestamp: _timestamp, ...metric }) => metric),
          series,
        );
      }
    });

    test('a device that may not be seen is as unknown as one that is not there', async () => {
      const directory = new DeviceDirectory(pool);
      await directory.find('plant/1', ['other', 'plant/']);
      for (const [device, visible] of [
        ['plant/1', ['a']],
        ['plant/1', []],
        ['nobody', null],
        ['no\0body', null],
      ] as const) {
        const text = `there is no device ${JSON.stringify(device)}`;
        await assert.rejects(directory.find(device, visible), { code: 'device_unknown', message: text });
      }
      const listed = await directory.list({
        match: '*',
        state: null,
        after: null,
        limit: 10,
        visible: ['plant/', 'ü'],
      });
      assert.deepEqual(
        listed.map(({ device_id }) => device_id),
        ['plant/1', 'plant/2', 'ü ☃'],
      );
    });
  });
}

function nameOf({ device_id, metric_name, value }: Shown): string {
  return JSON.stringify([device_id, metric_name, typeof value]);
}

function matches(glob: string, name: string): boolean {
  const parts = glob.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}
