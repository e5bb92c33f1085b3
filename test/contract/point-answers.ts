/** What the views and functions of points say, against the model. */

import assert from 'node:assert/strict';
import type { TestDatabase } from '../support/database.ts';
import { type Model, key } from './model.ts';

const MICROSECONDS = (time: string): string => `(extract(epoch FROM ${time}) * 1000000)::bigint::text`;
const TIME = `${MICROSECONDS('"timestamp"')} AS time`;

interface PointRow {
  readonly device: string;
  readonly metric: string;
  readonly time: string;
  readonly value: number | string;
}

/** -0 is not 0, and NaN is NaN. */
function sorted(rows: readonly { device: string; metric: string; time: number | string; value: unknown }[]) {
  return rows
    .map(
      ({ device, metric, time, value }) =>
        `${device}/${metric} ${time} ${Object.is(value, -0) ? '-0' : String(value)}`,
    )
    .sort();
}

/** iot_data, iot_text, iot_series, iot_devices, iot_latest. */
export async function assertPointViews(database: TestDatabase, model: Model, when: string): Promise<void> {
  for (const [view, text] of [
    ['iot_data', false],
    ['iot_text', true],
  ] as const) {
    const rows = await database.query<PointRow>(
      `SELECT device_id AS device, metric_name AS metric, value, ${TIME} FROM ${view}`,
    );
    const wanted = model
      .series()
      .filter((series) => series.text === text)
      .flatMap(({ device, metric, points }) => points.map((point) => ({ device, metric, ...point })));
    assert.deepEqual(sorted(rows), sorted(wanted), `${view} ${when}`);
  }
  const series = model.series();
  const found = await database.query<Record<string, unknown>>(
    `SELECT device_id AS device, metric_name AS metric, kind = 'text' AS text, ${MICROSECONDS('first_seen')} AS first,
       ${MICROSECONDS('last_seen')} AS last, points::int FROM iot_series WHERE points > 0
     ORDER BY device_id COLLATE "C" || '/' || metric_name COLLATE "C", text`,
  );
  assert.deepEqual(
    found,
    series.map(({ device, metric, text, points }) => ({
      device,
      metric,
      text,
      first: String(points[0]?.time),
      last: String(points.at(-1)?.time),
      points: points.length,
    })),
    `iot_series ${when}`,
  );
  const devices = await database.query<Record<string, unknown>>(
    `SELECT device_id AS device, series::int, ${MICROSECONDS('first_seen')} AS first, ${MICROSECONDS('last_seen')} AS last,
       points::int FROM iot_devices WHERE points > 0 ORDER BY device_id COLLATE "C"`,
  );
  assert.deepEqual(
    devices,
    [...Map.groupBy(series, ({ device }) => device)].map(([device, its]) => ({
      device,
      series: its.length,
      first: String(Math.min(...its.map(({ points }) => points[0]?.time as number))),
      last: String(Math.max(...its.map(({ points }) => points.at(-1)?.time as number))),
      points: its.reduce((sum, { points }) => sum + points.length, 0),
    })),
    `iot_devices ${when}`,
  );
  const latest = await database.query<PointRow>(
    `SELECT device_id AS device, metric_name AS metric, value, text, ${TIME} FROM iot_latest
     ORDER BY device_id COLLATE "C" || '/' || metric_name COLLATE "C"`,
  );
  assert.deepEqual(
    latest,
    series.map(({ device, metric, text, points }) => {
      const last = points.at(-1);
      return {
        device,
        metric,
        value: text ? null : last?.value,
        text: text ? last?.value : null,
        time: String(last?.time),
      };
    }),
    `iot_latest ${when}`,
  );
}

export interface Range {
  /** Microseconds since 1970, from <= time < to. */
  readonly from: number;
  readonly to: number;
}

const MOMENT = (parameter: string): string =>
  `(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')`;

/** iot_points in both forms. */
export async function assertPoints(
  database: TestDatabase,
  model: Model,
  { from, to }: Range,
  when: string,
): Promise<void> {
  const numbers = model.numbers();
  const within = ({ time }: { readonly time: number }) => time >= from && time < to;
  for (const series of numbers) {
    const { device, metric, points } = series;
    const rows = await database.query<PointRow>(
      `SELECT device_id AS device, metric_name AS metric, value, ${TIME}
       FROM iot_points($1, $2, ${MOMENT('$3')}, ${MOMENT('$4')})`,
      [device, metric, from, to],
    );
    const wanted = points.filter(within).map((point) => ({ device, metric, ...point }));
    assert.deepEqual(sorted(rows), sorted(wanted), `iot_points of ${key(series)} ${when}`);
  }
  const devices = [...new Set(numbers.map(({ device }) => device)).values()].slice(0, 2);
  const metrics = [...new Set(numbers.map(({ metric }) => metric)).values()].slice(0, 2);
  const several = await database.query<PointRow>(
    `SELECT device_id AS device, metric_name AS metric, value, ${TIME}
     FROM iot_points($1::text[], $2::text[], ${MOMENT('$3')}, ${MOMENT('$4')})`,
    [[...devices, 'nobody'], [...metrics, 'nothing'], from, to],
  );
  const wanted = numbers
    .filter(({ device, metric }) => devices.includes(device) && metrics.includes(metric))
    .flatMap(({ device, metric, points }) =>
      points.filter(within).map((point) => ({ device, metric, ...point })),
    );
  assert.deepEqual(sorted(several), sorted(wanted), `iot_points of several ${when}`);
  for (const unknown of [
    `'nobody', 'x'`,
    `'a', 'nothing'`,
    `'a', 'note'`,
    `'{}'::text[], '{x}'`,
    `'{nobody}'::text[], '{x}'`,
  ]) {
    const rows = await database.query(`SELECT FROM iot_points(${unknown}, '-infinity', 'infinity')`);
    assert.equal(rows.length, 0, `iot_points(${unknown}) ${when}`);
  }
}

/** iot_pivot, with a metric that is a text, one that is not there, and one twice. */
export async function assertPivot(
  database: TestDatabase,
  model: Model,
  device: string,
  { from, to }: Range,
  when: string,
): Promise<void> {
  const its = model.numbers().filter((series) => series.device === device);
  const metrics = [...its.map(({ metric }) => metric), 'note', 'nothing'];
  const rows = await database.query<{ time: string; values: (number | null)[] }>(
    `SELECT ${TIME}, values FROM iot_pivot($1, $2, ${MOMENT('$3')}, ${MOMENT('$4')}) ORDER BY "timestamp"`,
    [device, metrics, from, to],
  );
  const wanted = new Map<number, (number | null)[]>();
  for (const [place, { points }] of its.entries()) {
    for (const { time, value } of points) {
      if (time < from || time >= to) continue;
      const row = wanted.get(time) ?? metrics.map(() => null);
      row[place] = value;
      wanted.set(time, row);
    }
  }
  assert.deepEqual(
    rows,
    [...wanted].sort(([a], [b]) => a - b).map(([time, values]) => ({ time: String(time), values })),
    `iot_pivot of ${device} ${when}`,
  );
}
