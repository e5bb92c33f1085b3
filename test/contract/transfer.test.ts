import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { addExport } from '../../src/commands/export.ts';
import { addImport } from '../../src/commands/import.ts';
import { runCommand } from '../integration/commands/command-run.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { NumberKind } from '../../src/pipeline/types.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES, type EngineUnderTest } from '../support/engines.ts';
import { message } from '../unit/pipeline/messages.ts';
import { at, DAY, HOUR, SECOND } from './inputs.ts';
import { refreshAll } from './states.ts';

/** Everything that is stored, to the bit. */
async function contents(database: TestDatabase): Promise<object> {
  const points = `SELECT device_id, metric_name, encode(float8send(value), 'hex') AS bits,
    (extract(epoch FROM "timestamp") * 1000000)::bigint AS time FROM iot_data`;
  const texts = `SELECT device_id, metric_name, value, (extract(epoch FROM "timestamp") * 1000000)::bigint AS time FROM iot_text`;
  return {
    points: await database.query(`SELECT * FROM (${points}) p ORDER BY device_id, metric_name, time`),
    texts: await database.query(`SELECT * FROM (${texts}) t ORDER BY device_id, metric_name, time`),
    series: await database.query(
      'SELECT device_id, metric_name, kind, unit, tags, device_name, first_seen, last_seen, points FROM iot_series ORDER BY 1, 2, 3',
    ),
  };
}

const environment = (database: TestDatabase): Record<string, string> => ({
  TIDEGATE_DATABASE_URL: database.url,
  TIDEGATE_INGEST_MAX_FUTURE: '36500d',
});

async function exported(database: TestDatabase, ...args: string[]): Promise<string> {
  const run = runCommand(addExport, ['export', ...args], { env: environment(database) });
  assert.equal(await run.ended, 0, run.stderr());
  return run.stdout();
}

async function imported(database: TestDatabase, input: string, ...args: string[]): Promise<void> {
  const run = runCommand(addImport, ['import', '-', ...args], { env: environment(database), input });
  assert.equal(await run.ended, 0, `${run.stdout()}${run.stderr()}`);
}

/** The chunk that holds a time, microseconds since 1970. */
async function compressDay(engine: Engine, time: number): Promise<void> {
  const day = (await engine.chunks()).find(
    ({ source, range_start: start, range_end: end }) =>
      source === 'points' && Date.parse(start) * 1000 <= time && time < Date.parse(end) * 1000,
  );
  if (day !== undefined && day.state !== 'sealed') await engine.compress(day.name);
}

/** Where data of `from` moves to: another engine where there is one. */
function other(from: EngineUnderTest): EngineUnderTest {
  return ENGINES.find(({ name, skip }) => name !== from.name && skip === false) ?? from;
}

for (const kind of ENGINES) {
  const target = other(kind);
  suite(`from ${kind.name} to ${target.name}`, { skip: kind.skip }, () => {
    test('export and import move everything, and rollups follow', async () => {
      await using from = await kind.createDatabase();
      await using to = await target.createDatabase();
      const now = Date.now() * 1000;
      const old = Math.floor((now - 10 * DAY) / DAY) * DAY;
      await using sink = openSink(from, { engine: kind.name });
      await sink.put(
        message((out) => {
          for (const begin of [old, now - HOUR])
            for (let second = 0; second < 1_500; second++) {
              out.number(`d${second % 3}`, 'x', begin + second * SECOND + (second % 7), second / 10, 'gauge');
              if (second % 100 === 0) out.text('d0', 'x', begin + second * SECOND, `"${second}"\n`, false);
            }
        }),
      );
      await sink.put(
        message((out) => {
          out.number('kinds', 'counter', now - DAY, 1, 'counter');
          out.describe({ unit: 'kWh', tags: { site: 'Köln, "Süd"', line: '1' }, deviceName: 'Zähler' });
          out.number('kinds', 'state', now - DAY, 0, 'state');
          out.text('kinds', 'counter', now - DAY, 'ON', false);
          out.describe({ tags: { site: 'Bonn' } });
        }),
      );
      await sink.maintain();
      const engine = kind.open(from);
      await compressDay(engine, old);
      await imported(to, await exported(from));
      assert.deepEqual(await contents(to), await contents(from));

      const there = target.open(to);
      await refreshAll(to, there);
      await compressDay(there, old);
      // What comes late, into a chunk that is compressed: into its points at once, into its hour with the next refresh.
      const late = `d0,x,gauge,${new Date(old / 1000 + 1).toISOString()},1e9`;
      await imported(to, `device_id,metric_name,kind,timestamp,value\n${late}\n`);
      await refreshAll(to, there);
      const hours = await to.query(
        `SELECT bucket, device_id, metric_name, count, max_value FROM iot_data_1hour ORDER BY 2, 3, 1`,
      );
      assert.deepEqual(
        hours,
        await to.query(
          `SELECT date_trunc('hour', "timestamp", 'UTC') AS bucket, device_id, metric_name, count(*), max(value) AS max_value
           FROM iot_data GROUP BY 1, 2, 3 ORDER BY 2, 3, 1`,
        ),
      );
      assert.equal(
        (hours as { max_value: number }[]).find((hour) => hour.max_value === 1e9) === undefined,
        false,
      );
    });

    test('filters', async () => {
      await using from = await kind.createDatabase();
      await using sink = openSink(from, { engine: kind.name });
      const noon = at('2026-01-01T12:00:00Z');
      await sink.put(
        message((out) => {
          for (const device of ['a%b', 'a-b', 'c'])
            for (let second = 0; second < 3; second++)
              out.number(device, second === 1 ? 'y' : 'x', noon + second * SECOND, second, 'gauge');
        }),
      );
      const head = 'device_id,metric_name,kind,timestamp,value,unit,tags,device_name';
      const line = (device: string, metric: string, second: number) =>
        `${device},${metric},gauge,2026-01-01T12:00:0${second}.000000Z,${second},,,`;
      assert.equal(
        await exported(
          from,
          '--device',
          'a%*',
          '--device',
          'c',
          '--metric',
          'x',
          '--start',
          '2026-01-01T12:00:01Z',
        ),
        `${[head, line('a%b', 'x', 2), line('c', 'x', 2)].join('\n')}\n`,
      );
      assert.equal(
        await exported(from, '--device', 'c', '--end', '2026-01-01T12:00:02Z', '--format', 'ndjson'),
        `{"device_id" : "c", "metric_name" : "x", "kind" : "gauge", "timestamp" : "2026-01-01T12:00:00.000000Z", "value" : 0}
{"device_id" : "c", "metric_name" : "y", "kind" : "gauge", "timestamp" : "2026-01-01T12:00:01.000000Z", "value" : 1}\n`,
      );
    });
  });
}

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('\0'));
const point = fc.record({
  device: fc.oneof(name, fc.constantFrom('a', 'a,b', '"', 'a\r\nb', '\\.', '*', ' ')),
  metric: fc.oneof(name, fc.constantFrom('x', 'value', 'timestamp', '{x}')),
  time: fc.oneof(
    fc.integer({ min: at('1690-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') }),
    fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2026-01-01T00:00:01Z') }),
  ),
  value: fc.oneof(
    fc.double(),
    fc.constantFrom(-0, 5e-324, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 2),
    fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0')),
    fc.constantFrom('', ' ', '12', 'NaN', 'ON', 'null', 'a\r\nb\n', '"', ';', '\\N', '\\.'),
  ),
  kind: fc.constantFrom('gauge' as const, 'counter' as const, 'state' as const),
});

test('whatever is exported comes back to the last bit, as CSV and as NDJSON', async () => {
  const kind = ENGINES[0] as EngineUnderTest;
  await using from = await kind.createDatabase();
  const backs = { csv: await kind.createDatabase(), ndjson: await kind.createDatabase() };
  await using sink = openSink(from);
  // An import does not change the kind that a series has: so each has one here.
  const kinds = new Map<string, NumberKind>();
  const kindOf = (series: string, first: NumberKind): NumberKind => {
    if (!kinds.has(series)) kinds.set(series, first);
    return kinds.get(series) as NumberKind;
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 40 }), async (points) => {
        await sink.put(
          message((out) => {
            for (const { device, metric, time, value, kind: its } of points)
              if (typeof value === 'string') out.text(device, metric, time, value, false);
              else out.number(device, metric, time, value, kindOf(`${device} ${metric}`, its));
          }),
        );
        const stored = await contents(from);
        for (const format of ['csv', 'ndjson'] as const) {
          await imported(backs[format], await exported(from, '--format', format), '--format', format);
          assert.deepEqual(await contents(backs[format]), stored, format);
        }
      }),
      { numRuns: 8 },
    );
  } finally {
    await Promise.all(Object.values(backs).map((database) => database.drop()));
  }
});
