import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { DAY, SECOND } from '../../unit/pipeline/messages.ts';
import { openPostgres, runJob } from '../engines/engines.ts';
import { at, openSink, type Point, points } from '../postgres/sinks.ts';
import { correct, refresh } from './corrections.ts';

const START = at('2024-01-01T00:00:00Z');
const DAYS = 3;

type Step =
  | {
      readonly do: 'write';
      readonly device: string;
      readonly day: number;
      readonly from: number;
      readonly count: number;
    }
  | { readonly do: 'compress' | 'decompress'; readonly day: number }
  | {
      readonly do: 'delete';
      readonly device: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  | { readonly do: 'rename' | 'merge'; readonly device: string; readonly other: string }
  | { readonly do: 'fold' | 'refresh' | 'merge late' };

const device = fc.constantFrom('a', 'b', 'c');
const day = fc.integer({ min: 0, max: DAYS - 1 });
const second = fc.integer({ min: 0, max: DAYS * 86_400 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      device,
      day,
      from: fc.integer({ min: 0, max: 2_000 }),
      count: fc.constantFrom(1, 50, 1_200),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('compress' as const, 'decompress' as const), day }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      device,
      from: fc.option(second),
      to: fc.option(fc.oneof(second, fc.integer({ min: 1, max: 3_000 }))),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('rename' as const, 'merge' as const), device, other: device }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('fold' as const, 'refresh' as const, 'merge late' as const) }),
  },
);

/** What a device has, in a few lines: times and values by name, and where former names lead. */
class Model {
  readonly devices = new Map<string, Map<number, number>>();
  readonly aliases = new Map<string, string>();

  write(all: readonly Point[]): void {
    for (const { device: name, time, value } of all) {
      const current = this.aliases.get(name) ?? name;
      const series = this.devices.get(current) ?? new Map<number, number>();
      if (!series.has(time)) series.set(time, value);
      this.devices.set(current, series);
    }
  }

  delete(name: string, from: number, to: number): void {
    const series = this.devices.get(name);
    if (series === undefined) return;
    for (const time of series.keys()) if (time >= from && time < to) series.delete(time);
    if (from !== Number.NEGATIVE_INFINITY || to !== Number.POSITIVE_INFINITY) return;
    this.devices.delete(name);
    for (const [alias, of] of this.aliases) if (of === name) this.aliases.delete(alias);
  }

  /** Whether it can be. */
  hand(name: string, other: string, isMerge: boolean): boolean {
    const series = this.devices.get(name);
    const there = this.devices.get(other);
    const leadsTo = this.aliases.get(other);
    if (series === undefined || name === other || (there !== undefined) !== isMerge) return false;
    if (leadsTo !== undefined && leadsTo !== name) return false;
    this.devices.set(other, new Map([...series, ...(there ?? [])]));
    this.devices.delete(name);
    this.aliases.delete(other);
    for (const [alias, of] of this.aliases) if (of === name) this.aliases.set(alias, other);
    this.aliases.set(name, other);
    return true;
  }
}

async function assertAs(database: TestDatabase, model: Model): Promise<void> {
  const rows = await database.query<{ device_id: string; time: string; value: number }>(
    `SELECT device_id, extract(epoch FROM timestamp) * 1000000 AS time, value FROM iot_data ORDER BY device_id, timestamp`,
  );
  const expected = [...model.devices]
    .flatMap(([name, series]) => [...series].map(([time, value]) => [name, time, value] as const))
    .toSorted((left, right) => (left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : left[1] - right[1]));
  assert.deepEqual(
    rows.map(({ device_id: name, time, value }) => [name, Number(time), value]),
    expected,
  );
  const stats = await database.query<{ device_id: string; points: string; last: string | null }>(
    `SELECT s.device_id, s.points, extract(epoch FROM l.timestamp) * 1000000 AS last, l.value FROM iot_series s
     LEFT JOIN iot_latest l USING (device_id) ORDER BY device_id`,
  );
  assert.deepEqual(
    stats.map(({ device_id: name, points: count, last }) => [
      name,
      Number(count),
      last === null ? null : Number(last),
    ]),
    [...model.devices]
      .map(([name, series]) => [name, series.size, series.size === 0 ? null : Math.max(...series.keys())])
      .toSorted(([left], [right]) => ((left as string) < (right as string) ? -1 : 1)),
  );
}

test('after any history of writes, jobs and corrections, the views say what a model of a few lines says', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 14 }),
      fc.constantFrom(0, 16),
      async (steps, denseFrom) => {
        await using database = await createDatabase({ template: true });
        await using sink = openSink(database, { denseFrom });
        const model = new Model();
        let written = 0;
        for (const one of steps) written = await take(database, sink, model, one, written);
        await assertAs(database, model);
        await refresh(database);
        const [sums] = await database.query<{ days: string | null }>(
          'SELECT coalesce(sum(count), 0)::text AS days FROM iot_data_1day',
        );
        const total = [...model.devices.values()].reduce((sum, { size }) => sum + size, 0);
        assert.equal(Number(sums?.days), total);
      },
    ),
    { numRuns: 8 },
  );
});

async function take(
  database: TestDatabase,
  sink: ReturnType<typeof openSink>,
  model: Model,
  one: Step,
  written: number,
): Promise<number> {
  const engine = openPostgres(database);
  switch (one.do) {
    case 'write': {
      const batch = Array.from({ length: one.count }, (_, index) => ({
        device: one.device,
        metric: 'x',
        time: START + one.day * DAY + (one.from + index) * SECOND,
        value: written + index,
      }));
      await sink.put(points(batch));
      model.write(batch);
      return written + one.count;
    }
    case 'compress':
    case 'decompress':
      // Not every state lets it.
      await engine[one.do](`points_2024010${one.day + 1}_000000`).catch((error: unknown) => {
        assert.match(String((error as { code?: unknown }).code), /^chunk_/);
      });
      break;
    case 'delete': {
      const [from, to] = [one.from, one.to].map((seconds) =>
        seconds === null ? null : START + seconds * SECOND,
      );
      const text = (time: number | null | undefined) =>
        time === null || time === undefined ? null : new Date(time / 1000).toISOString();
      const isThere = model.devices.has(one.device);
      model.delete(one.device, from ?? Number.NEGATIVE_INFINITY, to ?? Number.POSITIVE_INFINITY);
      await expectFailure(!isThere, 'device_unknown', () =>
        correct(database, (corrections) =>
          corrections.delete({ device: one.device, metric: null, from: text(from), to: text(to) }, false),
        ),
      );
      break;
    }
    case 'rename':
    case 'merge': {
      const can = model.hand(one.device, one.other, one.do === 'merge');
      await expectFailure(!can, undefined, () =>
        correct(database, (corrections) => corrections[one.do](one.device, one.other, false)),
      );
      break;
    }
    case 'fold':
      await sink.maintain();
      break;
    case 'refresh':
      await refresh(database);
      break;
    case 'merge late':
      await runJob(
        openPostgres(database, { compression: { enabled: true, after: 3e12, every: 1 } }),
        'compression',
      );
      break;
  }
  return written;
}

async function expectFailure(
  fails: boolean,
  code: string | undefined,
  work: () => Promise<unknown>,
): Promise<void> {
  if (fails) await assert.rejects(work, code === undefined ? /Error/ : { code });
  else await work();
}
