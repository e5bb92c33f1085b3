import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { expectedRow, type Point } from './rules.ts';
import { addSeries, DAY, HOUR, MINUTE, refresh, writeBatch } from './store.ts';

const POLICY = { tolerance: 0, rollover: null, hold: 86_400 };
const micros = (time: string): number => Date.parse(`${time}T00:00:00Z`) * 1000;
/** A point every 15 minutes while the clocks of 2026 change, in spring and in autumn. */
const SEASONS = [
  [micros('2026-03-01'), micros('2026-04-12')],
  [micros('2026-10-01'), micros('2026-11-08')],
] as const;
const WITHOUT_POINTS = micros('2026-03-18');
/** Up to here rows are kept; what comes after is answered live. */
const REFRESHED = Date.parse('2026-10-25T10:20:00Z') * 1000;

let database: TestDatabase;
let client: Client;
const points: Point[] = [];
before(async () => {
  database = await createDatabase({ template: true });
  client = await database.connect();
  await addSeries(client, 2);
  for (const [from, to] of SEASONS) {
    for (let time = from; time < to; time += 15 * MINUTE) {
      const index = points.length;
      if (time >= WITHOUT_POINTS && time < WITHOUT_POINTS + DAY) continue;
      points.push({ time: time + (index % 5) * MINUTE, value: (index * 37) % 1000 });
    }
  }
  await writeBatch(
    client,
    points.map((point) => ({ ...point, series: 1 })),
  );
  await refresh(client, { now: REFRESHED });
});
after(() => database.drop());

interface Row {
  readonly start: string;
  readonly count: number;
  readonly avg_value: number | null;
  readonly sum_value: number | null;
  readonly increase: number | null;
  readonly time_weighted_avg: number | null;
  readonly first: string | null;
  readonly last: string | null;
}

async function aggregate(
  from: string,
  to: string,
  bucket: string,
  tz = 'UTC',
  fill = 'none',
  metric = 'm1',
): Promise<Row[]> {
  const { rows } = await client.query<Row>(
    `SELECT to_char(bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS start, count::int, avg_value, sum_value, increase,
       time_weighted_avg, (extract(epoch FROM first_time) * 1000000)::bigint AS first, (extract(epoch FROM last_time) * 1000000)::bigint AS last
     FROM iot_aggregate('device', $6, $1, $2, $3::interval, $4, $5)`,
    [from, to, bucket, tz, fill, metric],
  );
  return rows;
}

/** What a clock on the wall shows, as Intl knows it. */
function wallClock(tz: string): (time: number) => { day: string; month: string; hour: number } {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: tz,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const known = new Map<number, { day: string; month: string; hour: number }>();
  const read = (time: number) => {
    const parts = Object.fromEntries(
      format.formatToParts(time / 1000).map(({ type, value }) => [type, value]),
    );
    const month = `${parts['year']}-${parts['month']}`;
    return { month, day: `${month}-${parts['day']}`, hour: Number(parts['hour']) };
  };
  return (time) => {
    const wall = known.get(time) ?? read(time);
    known.set(time, wall);
    return wall;
  };
}

/** The same from the points, grouped by a name of their bucket that changes in their order. */
function assertRows(rows: readonly Row[], bucketOf: (time: number) => string, where: string): void {
  const groups = [...Map.groupBy(points, ({ time }) => bucketOf(time)).values()];
  assert.equal(rows.length, groups.length, where);
  for (const [index, row] of rows.entries()) {
    const wanted = expectedRow(groups[index] as Point[], POLICY);
    const at = `${where}, ${row.start}`;
    assert.deepEqual(
      [row.count, row.sum_value, row.increase, Number(row.first), Number(row.last)],
      [wanted.count, wanted.sum, wanted.increase, wanted.first.time, wanted.last.time],
      at,
    );
    const average = wanted.seconds > 0 ? wanted.integral / wanted.seconds : wanted.sum;
    assert.ok(Math.abs((row.time_weighted_avg as number) - average) <= 1e-9 * average, at);
  }
}

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Gaza',
];

for (const tz of ZONES) {
  test(`${tz}: days, weeks and months of the local clock`, async () => {
    const clock = wallClock(tz);
    const year = (bucket: string) => aggregate('2026-01-01', '2026-12-01', bucket, tz);
    assertRows(await year('1 day'), (time) => clock(time).day, '1 day');
    assertRows(await year('1 month'), (time) => clock(time).month, '1 month');
    assertRows(
      await year('3 months'),
      (time) => `${clock(time).month.slice(0, 4)} ${Math.ceil(Number(clock(time).month.slice(5)) / 3)}`,
      '3 months',
    );
    const week = (time: number): string =>
      // 1970-01-05 was a Monday.
      String(Math.floor((Date.parse(`${clock(time).day}T00:00:00Z`) / 86_400_000 - 4) / 7));
    assertRows(await year('1 week'), week, '1 week');
    assertRows(
      await year('6 hours'),
      (time) => `${clock(time).day} ${Math.floor(clock(time).hour / 6)}`,
      '6 hours',
    );
  });
}

test('an hour that the clock repeats is two hours', async () => {
  const hours = await aggregate('2026-10-25 00:00+02', '2026-10-25 05:00+01', '1 hour', 'Europe/Berlin');
  assert.deepEqual(
    hours.map(({ start, count }) => [start, count]),
    [
      '2026-10-24 22',
      '2026-10-24 23',
      '2026-10-25 00',
      '2026-10-25 01',
      '2026-10-25 02',
      '2026-10-25 03',
    ].map((hour) => [`${hour}:00:00`, 4]),
  );
});

test('a day of 23 and one of 25 hours, and where they begin', async () => {
  const spring = await aggregate('2026-03-28 12:00', '2026-03-30 12:00', '1 day', 'Europe/Berlin');
  assert.deepEqual(
    spring.map(({ start, count }) => [start, count]),
    [
      ['2026-03-27 23:00:00', 96],
      ['2026-03-28 23:00:00', 92],
      ['2026-03-29 22:00:00', 96],
    ],
  );
  const autumn = await aggregate('2026-10-24 12:00', '2026-10-26 12:00', '1 day', 'Europe/Berlin');
  assert.deepEqual(
    autumn.map(({ start, count }) => [start, count]),
    [
      ['2026-10-23 22:00:00', 96],
      ['2026-10-24 22:00:00', 100],
      ['2026-10-25 23:00:00', 96],
    ],
  );
});

test('hours and days of Kathmandu begin at a quarter past', async () => {
  const [hour] = await aggregate('2026-04-01 10:20', '2026-04-01 10:21', '1 hour', 'Asia/Kathmandu');
  assert.deepEqual([hour?.start, hour?.count], ['2026-04-01 10:15:00', 4]);
  const [day] = await aggregate('2026-04-01 10:20', '2026-04-01 10:21', '1 day', 'Asia/Kathmandu');
  assert.deepEqual([day?.start, day?.count], ['2026-03-31 18:15:00', 96]);
});

test('buckets of every length come from the level that fits, and are all the same', async () => {
  for (const [bucket, width] of [
    ['45 seconds', 45e6],
    ['90 seconds', 90e6],
    ['1 minute', MINUTE],
    ['7 minutes', 7 * MINUTE],
    ['15 minutes', 15 * MINUTE],
    ['20 minutes', 20 * MINUTE],
    ['1 hour', HOUR],
    ['90 minutes', 90 * MINUTE],
    ['5 hours', 5 * HOUR],
    ['1 day', DAY],
    ['36 hours', 36 * HOUR],
    ['10 days', 10 * DAY],
  ] as const) {
    const origin = Date.parse('2000-01-03T00:00:00Z') * 1000;
    const rows = await aggregate('2026-01-01', '2026-12-01', bucket);
    assertRows(rows, (time) => String(Math.floor((time - origin) / width)), bucket);
    const start = Date.parse(`${rows[0]?.start.replace(' ', 'T')}Z`) * 1000;
    assert.equal((start - origin) % width, 0, bucket);
  }
});

test('a range touches whole buckets, an open one all of them', async () => {
  const part = await aggregate('2026-04-01 10:20', '2026-04-01 12:00:00.000001', '1 hour');
  assert.deepEqual(
    part.map(({ start }) => start.slice(11, 13)),
    ['10', '11', '12'],
  );
  assert.equal((await aggregate('2026-04-01 10:20', '2026-04-01 10:20', '1 hour')).length, 0);
  const all = await aggregate('-infinity', 'infinity', '1 month');
  assert.equal(
    all.reduce((sum, { count }) => sum + count, 0),
    points.length,
  );
});

test('fill: buckets without points', async () => {
  const around = async (fill: string) =>
    (await aggregate('2026-03-17', '2026-03-20', '1 day', 'UTC', fill)).map(
      ({ count, avg_value, sum_value }) => [count, avg_value, sum_value === null],
    );
  const [before, after] = await around('none');
  assert.ok(before && after);
  assert.deepEqual(await around('null'), [before, [0, null, true], after]);
  assert.deepEqual(await around('locf'), [before, [0, before[1], true], after]);
  const middle = ((before[1] as number) + (after[1] as number)) / 2;
  const linear = await around('linear');
  assert.ok(Math.abs((linear[1]?.[1] as number) - middle) < 1e-9);
  assert.deepEqual([linear[0], linear[2]], [before, after]);
});

test('fill: before the first and after the last point, across a change of the clock, without any point', async () => {
  const rows = await aggregate('2026-02-27', '2026-03-02', '1 day', 'UTC', 'linear');
  assert.deepEqual(
    rows.map(({ count }) => count),
    [0, 0, 96],
  );
  assert.deepEqual([rows[0]?.avg_value, rows[1]?.avg_value], [null, null]);
  const locf = await aggregate('2026-11-07', '2026-11-10', '1 day', 'UTC', 'locf');
  assert.equal(locf[2]?.avg_value, locf[0]?.avg_value);
  const hours = await aggregate('2026-10-24 22:00', '2026-10-25 23:00', '1 hour', 'Europe/Berlin', 'null');
  assert.deepEqual([hours.length, hours.every(({ count }) => count === 4)], [25, true]);
  const days = await aggregate('2026-10-23 22:00', '2026-10-26 23:00', '1 day', 'Europe/Berlin', 'null');
  assert.deepEqual(
    days.map(({ count }) => count),
    [96, 100, 96],
  );
  const none = await aggregate('2026-10-24', '2026-10-26', '1 day', 'UTC', 'locf', 'm2');
  assert.deepEqual(
    none.map(({ count, avg_value }) => [count, avg_value]),
    [
      [0, null],
      [0, null],
    ],
  );
});

test('arrays of devices and metrics', async () => {
  const { rows } = await client.query(
    `SELECT metric_name, count(*)::int AS buckets FROM iot_aggregate(ARRAY['device', 'none'], ARRAY['m1', 'm2', 'm3'], '2026-10-24', '2026-10-26', '1 day', fill => 'null') GROUP BY 1 ORDER BY 1`,
  );
  assert.deepEqual(rows, [
    { metric_name: 'm1', buckets: 2 },
    { metric_name: 'm2', buckets: 2 },
  ]);
});

test('bad arguments are named', async () => {
  const mistakes: [string, RegExp][] = [
    [`'2026-01-01', '2026-02-01', '-1 hour'`, /bucket is/],
    [`'2026-01-01', '2026-02-01', '0'`, /bucket is/],
    [`'2026-01-01', '2026-02-01', '1 month 1 day'`, /bucket is/],
    [`'2026-01-01', '2026-02-01', '1 hour', 'Nowhere/City'`, /time zone/],
    [`'2026-01-01', '2026-02-01', '1 hour', 'UTC', 'zero'`, /fill is/],
    [`NULL, '2026-02-01', '1 hour'`, /must not be NULL/],
    [`'-infinity', '2026-02-01', '1 hour', fill => 'locf'`, /finite/],
    [`'1970-01-01', '2026-02-01', '1 second', fill => 'locf'`, /buckets to fill/],
  ];
  for (const [args, message] of mistakes) {
    await assert.rejects(
      client.query(`SELECT * FROM iot_aggregate('device', 'm1', ${args})`),
      (error: Error & { code: string }) => {
        assert.match(error.message, message);
        assert.equal(error.code, '22023', args);
        return true;
      },
    );
  }
});

test('iot_pivot puts metrics side by side', async () => {
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO tidegate.points_late VALUES (2, '2026-04-01 00:00:00+00', 7), (2, '2026-04-01 00:20:00+00', 8)`,
  );
  const { rows } = await client.query(
    `SELECT to_char("timestamp" AT TIME ZONE 'UTC', 'HH24:MI') AS at, "values" FROM iot_pivot('device', ARRAY['m2', 'none', 'm1'], '2026-04-01', '2026-04-01 00:30')`,
  );
  await client.query('ROLLBACK');
  const of = (time: string) => points.find((point) => point.time === Date.parse(time) * 1000)?.value;
  const first = points.filter(({ time }) => time >= Date.parse('2026-04-01') * 1000).slice(0, 2);
  const expected = new Map<string, (number | null)[]>([
    ['00:00', [7, null, of('2026-04-01T00:00:00Z') ?? null]],
    ['00:20', [8, null, of('2026-04-01T00:20:00Z') ?? null]],
  ]);
  for (const { time, value } of first) {
    const at = new Date(time / 1000).toISOString().slice(11, 16);
    expected.set(at, [expected.get(at)?.[0] ?? null, null, value]);
  }
  assert.deepEqual(
    rows.map(({ at, values }) => [at, values]),
    [...expected].sort(([left], [right]) => left.localeCompare(right)),
  );
});
