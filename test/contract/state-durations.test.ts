import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Client } from 'pg';
import type { Engine } from '../../src/engines/engine.ts';
import { readBuckets } from '../../src/postgres/metric-pages.ts';
import { schemaNames } from '../../src/postgres/names.ts';
import { openSink, type TestSink } from '../integration/postgres/sinks.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { randomFrom } from '../support/random.ts';
import { message } from '../unit/pipeline/messages.ts';
import { DAY, HOUR, MINUTE, SECOND } from './inputs.ts';
import { bucketStarts, months, type Width, width } from './local-buckets.ts';
import { refreshAll } from './states.ts';

interface Point {
  readonly time: number;
  readonly value: number | string;
}

interface Aggregate {
  readonly start: string;
  readonly count: number;
  readonly off: number | null;
  readonly on: number | null;
}

interface Question {
  readonly from: number;
  readonly to: number;
  readonly width: Width;
  readonly tz: string;
}

/** The default of a series. */
const HOLD = DAY;

/** Seconds of each state in each bucket: `start state` -> seconds. */
function durations(
  points: readonly Point[],
  { from, to, width: its, tz }: Question,
  now: number,
  heard: number,
): Map<string, number> {
  const first = bucketStarts(from, from + 1, its, tz)[0] as number;
  const starts = bucketStarts(first, to + (2 * its.microseconds || 32 * DAY), its, tz);
  const found = new Map<string, number>();
  for (const [index, { time, value }] of points.entries()) {
    const next = points[index + 1]?.time ?? Number.POSITIVE_INFINITY;
    let until = Math.min(next, now);
    if (typeof value === 'number') until = Math.min(until, time + HOLD);
    else if (next === Number.POSITIVE_INFINITY) until = Math.min(until, Math.max(time, heard));
    for (const [place, start] of starts.entries()) {
      if (start >= to || start >= until) break;
      const end = starts[place + 1] as number;
      const seconds = (Math.min(until, end) - Math.max(time, start)) / SECOND;
      if (seconds <= 0) continue;
      const key = `${start} ${value}`;
      found.set(key, (found.get(key) ?? 0) + seconds);
    }
  }
  return found;
}

function assertNear(
  found: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, number>,
  where: string,
): void {
  const names = (map: ReadonlyMap<string, number>) =>
    [...map]
      .filter(([, seconds]) => seconds > 1e-6)
      .map(([name]) => name)
      .sort();
  assert.deepEqual(names(found), names(wanted), where);
  for (const [name, seconds] of found) {
    const difference = Math.abs(seconds - (wanted.get(name) ?? 0));
    assert.ok(difference <= 1e-5, `${where}: ${name}: ${seconds}, not ${wanted.get(name)}`);
  }
}

for (const kind of ENGINES) {
  suite(`durations of states on ${kind.name}`, { skip: kind.skip }, () => {
    const now = Math.floor(Date.now() / 1000) * SECOND;
    const random = randomFrom(7);
    /** The metric's states at random times, some further apart than a state may last. */
    const lived = (states: readonly (number | string)[]): Point[] => {
      const points: Point[] = [];
      for (let time = now - 12 * DAY; time < now; ) {
        points.push({ time, value: states[Math.floor(random() * states.length)] as number | string });
        const gap = random() < 0.02 ? 2 * DAY : random() < 0.3 ? 3 * HOUR : 10 * MINUTE;
        time += 1 + Math.floor(random() * gap);
      }
      return points;
    };
    const series = new Map([
      ['door', lived([0, 1])],
      ['mode', lived([0, 1, 2, -0.5])],
      ['text', lived(['idle', 'busy', '–'])],
      ['thermostat', lived([0, 'heat', 'cool', 1, 'heat'])],
    ]);
    const lately = { from: now - 11 * DAY + 7, to: now };
    const questions: Question[] = [
      { ...lately, width: width('1 hour', HOUR), tz: 'UTC' },
      { ...lately, width: width('1 day', DAY), tz: 'Europe/Berlin' },
      { ...lately, width: months(1), tz: 'UTC' },
      {
        from: now - 9 * DAY,
        to: now - 8 * DAY,
        width: width('15 minutes', 15 * MINUTE),
        tz: 'Asia/Kathmandu',
      },
      {
        from: now - 9 * DAY,
        to: now - 9 * DAY + 2 * HOUR,
        width: width('45 seconds', 45 * SECOND),
        tz: 'UTC',
      },
      { from: now - 2 * HOUR, to: now + 2 * HOUR, width: width('20 minutes', 20 * MINUTE), tz: 'UTC' },
    ];
    let database: TestDatabase;
    let sink: TestSink;
    let engine: Engine;
    let client: Client;
    before(async () => {
      database = await kind.createDatabase();
      client = await database.connect();
      sink = openSink(database, { engine: kind.name });
      engine = kind.open(database);
      await sink.put(
        message((out) => {
          for (const [metric, points] of series) {
            for (const { time, value } of points) {
              if (typeof value === 'number') out.number('d', metric, time, value, 'state');
              else out.text('d', metric, time, value, false);
            }
          }
          out.number('d', 'gauge', now - HOUR, 1, 'gauge');
        }),
      );
      await database.query(
        `INSERT INTO tidegate.device_states VALUES
           ('d', 'c', 'silent', timestamptz 'epoch' + $1::bigint * interval '1 microsecond', 1, 60, 0, '{}', '{}')`,
        [now - 3 * DAY],
      );
    });
    after(async () => {
      await sink.close();
      await database.drop();
    });

    const MICROSECONDS = '(extract(epoch FROM bucket) * 1000000)::bigint::text';
    const TIME = (parameter: string) =>
      `timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond'`;

    async function durationsOf(metric: string, { from, to, width: its, tz }: Question) {
      const { rows } = await client.query<{ start: string; state: string; seconds: number }>(
        `SELECT ${MICROSECONDS} AS start, state, seconds
         FROM iot_state_durations('d', $1, ${TIME('$2')}, ${TIME('$3')}, $4::interval, $5)`,
        [metric, from, to, its.interval, tz],
      );
      return new Map(rows.map(({ start, state, seconds }) => [`${start} ${state}`, seconds]));
    }

    async function aggregates(metric: string, { from, to, width: its, tz }: Question, fill: string) {
      const { rows } = await client.query<Aggregate>(
        `SELECT ${MICROSECONDS} AS start, count::int, seconds_false AS off, seconds_true AS on
         FROM iot_aggregate('d', $1, ${TIME('$2')}, ${TIME('$3')}, $4::interval, $5, $6)`,
        [metric, from, to, its.interval, tz, fill],
      );
      return rows;
    }

    /** Of buckets with 0 and 1 only. */
    async function assertAggregates(
      metric: string,
      question: Question,
      wanted: ReadonlyMap<string, number>,
      where: string,
    ): Promise<void> {
      const filled = await aggregates(metric, question, 'null');
      const others = new Set(
        [...wanted.keys()].filter((name) => !/ [01]$/.test(name)).map((name) => name.split(' ')[0]),
      );
      assert.deepEqual(
        filled.filter(({ off, on }) => off === null || on === null).map(({ start }) => start),
        filled.filter(({ start }) => others.has(start)).map(({ start }) => start),
        where,
      );
      const found = filled
        .filter(({ start }) => !others.has(start))
        .flatMap(({ start, off, on }): [string, number][] => [
          [`${start} 0`, off as number],
          [`${start} 1`, on as number],
        ]);
      const known = [...wanted].filter(([name]) => !others.has(name.split(' ')[0] as string));
      assertNear(new Map(found), new Map(known), where);
      const rows = await aggregates(metric, question, 'none');
      assert.deepEqual(
        rows,
        filled.filter(({ count }) => count > 0),
        where,
      );
    }

    /** All in one transaction, in which it is always now. */
    async function assertAll(when: string): Promise<void> {
      await client.query('BEGIN');
      try {
        await assertNow(when);
      } finally {
        await client.query('ROLLBACK');
      }
    }

    async function assertNow(when: string): Promise<void> {
      const { rows } = await client.query<{ now: string }>(
        `SELECT (extract(epoch FROM now()) * 1000000)::bigint AS now`,
      );
      const today = Number(rows[0]?.now);
      for (const question of questions) {
        for (const [metric, points] of series) {
          const where = `${metric} ${when}, ${question.width.interval} ${question.tz}`;
          const wanted = durations(points, question, today, now - 3 * DAY + HOLD);
          assertNear(await durationsOf(metric, question), wanted, where);
          if (points.every(({ value }) => typeof value === 'number'))
            await assertAggregates(metric, question, wanted, where);
        }
      }
    }

    test('live', () => assertAll('live'));

    test('refreshed', async () => {
      await refreshAll(database, engine);
      await assertAll('refreshed');
    });

    test('they are answered over HTTP as an aggregate', async () => {
      const question = questions[0] as Question;
      for (const [agg, key] of [
        ['seconds_true', 'on'],
        ['seconds_false', 'off'],
      ] as const) {
        const its = { device: 'd', metric: 'door', interval: '1 hour', tz: 'UTC', agg, filled: true };
        const page = await readBuckets(client, schemaNames('public'), its, [
          question.from,
          now - 2 * DAY,
          1_000,
        ]);
        const rows = await aggregates('door', { ...question, to: now - 2 * DAY }, 'null');
        assert.deepEqual(
          [...(page.values as Float64Array)].map((value, row) => (page.empty?.[row] === 1 ? 0 : value)),
          rows.slice(1).map((row) => row[key]),
        );
      }
    });

    test('an old text has no numbers since then read', async () => {
      const count = 10_000;
      await sink.put(
        message((out) => {
          out.text('d', 'old', now - (count + 1) * MINUTE, 'error', true);
          for (let ago = count; ago > 0; ago--) out.number('d', 'old', now - ago * MINUTE, ago % 2, 'state');
        }),
      );
      const read = async (): Promise<number> => {
        const { rows } = await client.query<{ read: string }>(
          `SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) AS read FROM pg_stat_xact_all_tables
           WHERE schemaname <> 'pg_catalog'`,
        );
        return Number(rows[0]?.read);
      };
      await client.query('BEGIN');
      try {
        const before = await read();
        await durationsOf('old', { from: now - HOUR, to: now, width: width('1 hour', HOUR), tz: 'UTC' });
        const day = DAY / MINUTE;
        assert.ok((await read()) - before < 3 * day);
      } finally {
        await client.query('ROLLBACK');
      }
    });

    test('series of another kind have none in iot_aggregate', async () => {
      const question = { from: now - 2 * HOUR, to: now, width: width('1 hour', HOUR), tz: 'UTC' };
      for (const fill of ['none', 'null']) {
        const rows = await aggregates('gauge', question, fill);
        assert.deepEqual(
          [rows.length > 0, rows.every(({ off, on }) => off === null && on === null)],
          [true, true],
        );
      }
    });

    test('bad arguments are told', async () => {
      for (const rest of [`'-1 hour'`, `'1 month 1 day'`, 'NULL', `'1 hour', 'Nowhere/Land'`]) {
        const ask = `SELECT FROM iot_state_durations('d', 'door', '2024-01-01', '2024-01-02', ${rest})`;
        await assert.rejects(client.query(ask), { code: '22023' }, rest);
      }
    });
  });
}
