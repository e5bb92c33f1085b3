import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { EXAMPLE_DAY, liveThrough } from '../../support/example.ts';
import { openPostgres } from './engines.ts';

/** A fifth of what `npm run bench -- lifecycle` measures, as dense. */
const POINTS = 200_000;
const DEVICES = 200;
const VIEWS = ['iot_data', 'iot_data_1min', 'iot_data_15min', 'iot_data_1hour', 'iot_data_1day'];

test('many points of many devices: ingested, aggregated, compressed, and the same before and after', async () => {
  await using database = await createDatabase({ template: true });
  const contents = async () =>
    await Promise.all(
      VIEWS.map(async (view) => {
        const [row] = await database.query<{ contents: string }>(
          `SELECT concat(count(*), ' rows ', sum(hash_record_extended(v, 0)::numeric)) AS contents FROM ${view} v`,
        );
        return `${view}: ${row?.contents}`;
      }),
    );
  let before: string[] = [];
  await liveThrough(database, POINTS, {
    devices: DEVICES,
    refreshed: async () => {
      before = await contents();
    },
  });
  assert.deepEqual(await contents(), before);

  // Each device repeats one value: i % 1,000 says i % 100.
  const perDevice = POINTS / DEVICES;
  for (const view of VIEWS.slice(1)) {
    const rows = await database.query<{
      device: string;
      count: string;
      sum: number;
      least: number;
      most: number;
    }>(
      `SELECT device_id AS device, sum(count) AS count, sum(sum_value) AS sum, min(min_value) AS least, max(max_value) AS most
       FROM ${view} GROUP BY device_id`,
    );
    assert.equal(rows.length, DEVICES, view);
    for (const { device, count, sum, least, most } of rows) {
      const value = 20 + (Number(device.slice('device_'.length)) % 100) / 10;
      assert.deepEqual([Number(count), least, most], [perDevice, value, value], `${view}: ${device}`);
      assert.ok(
        Math.abs(sum - perDevice * value) <= perDevice * 2 ** -52 * perDevice * value,
        `${view}: ${device} ${sum}`,
      );
    }
  }

  const engine = openPostgres(database);
  const name = `points_${new Date(EXAMPLE_DAY / 1000).toISOString().slice(0, 10).replaceAll('-', '')}_000000`;
  const statistics = await engine.compression();
  const chunk = statistics.find((one) => one.chunk === name);
  assert.equal(chunk?.points, POINTS);
  assert.ok((chunk?.ratio ?? 0) > 10, JSON.stringify(chunk));
  const packed = statistics.find(({ source }) => source === '1min');
  assert.ok((packed?.ratio ?? 0) > 2, JSON.stringify(statistics));
  const listed = (await engine.chunks()).find((one) => one.name === name);
  assert.deepEqual([listed?.state, listed?.rows], ['sealed', POINTS]);
  assert.deepEqual(await database.query('SELECT to_regclass($1) AS leaf', [`tidegate.${name}`]), [
    { leaf: null },
  ]);
});
