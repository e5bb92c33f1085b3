import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { addExport } from '../../../src/commands/export.ts';
import { addImport } from '../../../src/commands/import.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { message } from '../../unit/pipeline/messages.ts';
import { runCommand } from '../commands/command-run.ts';
import { environment } from '../dead-letters/letters.ts';
import { count, openSink } from '../postgres/sinks.ts';

interface Report {
  readonly records: number;
  readonly records_before: number;
  readonly rejected: number;
  readonly points: Record<'stored' | 'duplicate' | 'conflict' | 'dead_lettered', number>;
  readonly points_before: Record<'stored', number>;
  readonly rejects: readonly { line: number; code: string }[];
  readonly check: { passed: boolean; points: number; lacking: number; series_with_more: number } | null;
}

suite('tidegate import', () => {
  let database: TestDatabase;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  before(async () => {
    database = await createDatabase({ template: true });
    folder = await createFolder();
  });
  after(async () => {
    await database.drop();
    await folder[Symbol.asyncDispose]();
  });

  const run = (args: readonly string[], input = '') =>
    runCommand(addImport, ['import', ...args], { env: environment(database), input });
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(folder.path, name);
    await writeFile(path, content);
    return path;
  };
  const report = async (args: readonly string[], code = 0, input = ''): Promise<Report> => {
    const done = run([...args, '--json'], input);
    assert.equal(await done.ended, code, `${done.stdout()}${done.stderr()}`);
    return JSON.parse(done.stdout()) as Report;
  };
  const points = async (device: string) =>
    await database.query<{ metric: string; value: number; at: string }>(
      `SELECT metric_name AS metric, value, to_char("timestamp", 'YYYY-MM-DD HH24:MI:SS.US') AS at
       FROM iot_data WHERE device_id = $1 ORDER BY metric_name, "timestamp"`,
      [device],
    );

  test('a wide CSV in local time, with decimal commas and words', async () => {
    const path = await file(
      'wide.csv',
      'Zeit;Temperatur;Pumpe;Zustand\r\n2025-10-26 02:30:00,5;21,5;AN;"läuft; gut"\r\n2026-01-01 00:00;-3;ON;\r\n',
    );
    const args = [
      path,
      '--device',
      'kessel',
      '--time',
      'Zeit',
      '--time-zone',
      'Europe/Berlin',
      '--decimal-comma',
    ];
    const dry = run([...args, '--dry-run']);
    assert.equal(await dry.ended, 0, dry.stderr());
    assert.match(
      dry.stdout(),
      /^Would import 2 records of .*wide\.csv:\nmapping +time Zeit; device kessel; metric \{column\}; values \*$/m,
    );
    assert.doesNotMatch(dry.stdout(), /--decimal-comma/);
    const asTexts = run([...args.slice(0, -1), '--dry-run']);
    assert.equal(await asTexts.ended, 0, asTexts.stderr());
    assert.match(asTexts.stdout(), /"21,5"$[^]*^Texts such as "20,5" are numbers with --decimal-comma\.$/m);
    assert.equal(await count(database, 'iot_data'), 0);
    const { points: fate, check } = await report(args);
    assert.deepEqual([fate.stored, check?.passed], [5, true]);
    assert.deepEqual(await points('kessel'), [
      { metric: 'Pumpe', value: 1, at: '2025-12-31 23:00:00.000000' },
      { metric: 'Temperatur', value: 21.5, at: '2025-10-26 00:30:00.500000' },
      { metric: 'Temperatur', value: -3, at: '2025-12-31 23:00:00.000000' },
    ]);
    assert.deepEqual(
      await database.query(`SELECT metric_name, value FROM iot_text WHERE device_id = 'kessel' ORDER BY 1`),
      [
        { metric_name: 'Pumpe', value: 'AN' },
        { metric_name: 'Zustand', value: 'läuft; gut' },
      ],
    );
  });

  test('NDJSON with paths, nanoseconds and tags, packed, from the standard input', async () => {
    const lines = [
      '{"at": 1700000000123456789, "tags": {"host": "a", "rack": "r1"}, "field": "load", "v": 0.1}',
      '',
      '{"at": 1700000001, "tags": {"host": "a", "rack": "r1"}, "field": "load", "v": 1e3}',
    ];
    const path = await file('lines.ndjson.gz', gzipSync(lines.join('\n')));
    const { points: fate } = await report([
      path,
      '--device',
      '{$.tags.host}',
      '--metric',
      'cpu.{field}',
      '--time',
      'at',
      '--value',
      'v',
      '--tags',
      '$.tags.rack',
    ]);
    assert.equal(fate.stored, 2);
    assert.deepEqual(await points('a'), [
      { metric: 'cpu.load', value: 0.1, at: '2023-11-14 22:13:20.123456' },
      { metric: 'cpu.load', value: 1000, at: '2023-11-14 22:13:21.000000' },
    ]);
  });

  test('what is exported as NDJSON needs no option, also where a description is its first line', async () => {
    const path = await file(
      'described.csv',
      'device,metric,time,value,unit\ndesc,t,2025-01-01T00:00:00Z,1.5,°C\n',
    );
    await report([path]);
    const exported = runCommand(addExport, ['export', '--format', 'ndjson', '--device', 'desc'], {
      env: environment(database),
    });
    assert.equal(await exported.ended, 0, exported.stderr());
    const again = await report(['-', '--format', 'ndjson'], 0, exported.stdout());
    assert.deepEqual([again.records, again.points.duplicate, again.rejected], [2, 1, 0]);
  });

  test('an export whose reader had enough ends in silence', async () => {
    const exported = runCommand(addExport, ['export'], { env: environment(database) });
    exported.closeOutput();
    assert.equal(await exported.ended, 0);
    assert.equal(exported.stderr(), '');
  });

  test('an export to a full disk fails, also by the standard output', async () => {
    const exported = runCommand(addExport, ['export'], { env: environment(database) });
    await exported.printed(/device_id/);
    exported.closeOutput(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    assert.equal(await exported.ended, 1);
    assert.match(exported.stderr(), /export_failed: the standard output: no space left on device/);
  });

  test('an export of a few microseconds', async () => {
    const path = await file('us.csv', 'time,x\n2025-01-01T00:00:00Z,1\n2025-01-01T00:00:00.000003Z,2\n');
    await report([path, '--device', 'us']);
    const args = ['--device', 'us', '--start', '2025-01-01', '--end', '2025-01-01T00:00:00.000003Z'];
    const exported = runCommand(addExport, ['export', ...args], { env: environment(database) });
    assert.equal(await exported.ended, 0, exported.stderr());
    assert.match(exported.stdout(), /\nus,x,gauge,2025-01-01T00:00:00.000000Z,1,,,\n$/);
  });

  test('bad records are counted, listed with their lines and kept, and the good ones stored', async () => {
    const path = await file(
      'bad.csv',
      Buffer.concat([
        Buffer.from('device_id,metric_name,timestamp,value\nb,x,2026-01-01,1\nb,x,yesterday,2\nb,x\n'),
        Buffer.from('b,\xff,2026-01-02,1\n', 'latin1'),
        Buffer.from(
          ',x,2026-01-02,3\nb,y,2026-01-01,"two\nlines"\nb,x,2026-01-03,4\nb,x,2026-01-03,1e999\nb,x,2026-01-04,"5\n',
        ),
      ]),
    );
    const rejects = join(folder.path, 'rejects.csv');
    const { rejected, points: fate, rejects: listed } = await report([path, '--rejects', rejects], 1);
    assert.deepEqual(
      listed.map(({ line, code }) => [line, code]),
      [
        [3, 'timestamp_invalid'],
        [4, 'payload_shape'],
        [5, 'payload_not_utf8'],
        [6, 'device_id_missing'],
        [10, 'number_out_of_range'],
        [11, 'payload_shape'],
      ],
    );
    assert.deepEqual([rejected, fate.stored], [6, 3]);
    const kept = (await readFile(rejects, 'utf8')).split('\n');
    assert.deepEqual(
      [kept[0], kept[1], kept.length],
      ['device_id,metric_name,timestamp,value', 'b,x,yesterday,2', 8],
    );
    const strict = await report([path, '--max-errors', '1', '--anew'], 1);
    assert.deepEqual(
      [strict.rejected, strict.records, strict.points.duplicate, strict.check],
      [2, 3, 1, null],
    );
    const rest = await report([path], 1);
    assert.deepEqual([rest.records_before, rest.rejected, rest.records, rest.check?.passed], [3, 6, 9, true]);
  });

  test('a dry run fails on what would be refused, also for its time', async () => {
    const path = await file('future.csv', 'time,x\n2025-01-01,1\n2200-01-01,2\n');
    for (const args of [['--dry-run'], []]) {
      const { rejected, points: fate } = await report([path, '--device', 'future', ...args], 1);
      assert.deepEqual([rejected, fate.stored], [1, 1]);
    }
  });

  test('what was appended is imported, what changed is refused, and the same again stores nothing', async () => {
    await using sink = openSink(database);
    await sink.put(
      message((out) => {
        out.number('g', 'x', 1_600_000_000_000_000, 0, 'counter');
        out.describe({ unit: 'Wh' });
      }),
    );
    const path = await file('grows.csv', 'device,metric,time,value\ng,x,1700000000,1\ng,x,1700000001,2\n');
    assert.equal((await report([path])).points.stored, 2);
    const again = await report([path]);
    assert.deepEqual([again.records_before, again.points.stored, again.check?.passed], [2, 2, true]);
    await appendFile(path, 'g,x,1700000002,3\n');
    const grown = await report([path]);
    assert.deepEqual([grown.points_before.stored, again.points_before.stored], [2, 2]);
    const told = run([path]);
    assert.equal(await told.ended, 0);
    assert.match(
      told.stdout(),
      /^Imported 3 records of .*, 3 of them imported before:\n +0 points stored; 3 more in earlier runs$/m,
    );
    assert.deepEqual([grown.records_before, grown.records, grown.points.stored], [2, 3, 3]);
    await file(
      'grows.csv',
      'device,metric,time,value\ng,x,1700000000,9\ng,x,1700000001,2\ng,x,1700000002,3\n',
    );
    const changed = run([path]);
    assert.equal(await changed.ended, 1);
    assert.match(changed.stderr(), /^tidegate: import_changed: its first 3 records are not those .*--anew/);
    const anew = await report([path, '--anew']);
    assert.deepEqual([anew.points.stored, anew.points.duplicate, anew.points.conflict], [0, 2, 1]);
    assert.equal(anew.check?.passed, true);
    await file(
      'grows.csv',
      'metric,device,time,value\ng,x,1700000000,1\ng,x,1700000001,2\ng,x,1700000002,3\n',
    );
    const renamed = run([path]);
    assert.equal(await renamed.ended, 1);
    assert.match(renamed.stderr(), /^tidegate: import_changed: its first 3 records are not those /);
    await file('grows.csv', 'device,metric,time,value\n');
    const shorter = run([path]);
    assert.equal(await shorter.ended, 1);
    assert.match(shorter.stderr(), /import_changed: it has 0 records; 3 were imported before/);
    assert.deepEqual(
      (await points('g')).map(({ value }) => value),
      [0, 1, 2, 3],
    );
    assert.deepEqual(await database.query(`SELECT kind, unit FROM iot_series WHERE device_id = 'g'`), [
      { kind: 'counter', unit: 'Wh' },
    ]);
  });

  test('a row that PostgreSQL refuses is set apart, those around it are stored', async () => {
    await database.query('ALTER TABLE tidegate.points_late ADD CONSTRAINT mine CHECK (value <> 13)');
    const rows = [12, 13, 14].map((value) => `r,x,${1_700_000_000 + value},${value}\n`);
    const path = await file('refused.csv', `device,metric,time,value\n${rows.join('')}`);
    const refused = await report([path], 1);
    await database.query('ALTER TABLE tidegate.points_late DROP CONSTRAINT mine');
    assert.deepEqual(
      [refused.points.stored, refused.rejected, refused.rejects[0]?.code, refused.rejects[0]?.line],
      [2, 1, 'database_rejected', 3],
    );
    assert.deepEqual([refused.check?.passed, refused.check?.lacking], [true, 1]);
  });

  test('one that is stopped while the database does not answer ends at once, and goes on later', async () => {
    const path = await file('stopped.csv', 'device,metric,time,value\ns,x,1700000000,1\n');
    const holder = await database.connect();
    await holder.query('BEGIN; LOCK TABLE tidegate.points_late IN ACCESS EXCLUSIVE MODE');
    const stopped = run([path]);
    await eventually(
      'it waits',
      async () =>
        (await count(
          database,
          `pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        )) > 0,
    );
    stopped.stop();
    assert.equal(await stopped.ended, 1);
    assert.match(stopped.stdout(), /^Imported 0 records of /);
    assert.equal(stopped.stderr(), '');
    assert.match(stopped.stdout(), /^Stopped\. The same command goes on from there\.$/m);
    await holder.query('ROLLBACK');
    const rest = await report([path]);
    assert.deepEqual([rest.points.stored, rest.check?.passed], [1, true]);
  });

  test('what cannot be meant is bad usage', async () => {
    const path = await file('plain.csv', 'when,what\n1,2\n');
    for (const [args, message] of [
      [[], /name a file/],
      [[path], /no column timestamp or time: name it with --time; the columns are when, what/],
      [[path, '--time', 'wenn', '--device', 'd'], /no column "wenn"; there are when, what/],
      [[path, '--time', 'when', '--device', '{what'], /brace/],
      [[path, '--value', 'a', '--values', 'b'], /exclude/],
      [[path, '--time', 'when', '--device', 'd', '--values', 'what,waht'], /no column "waht"; there are/],
      [[path, '--time', 'when', '--device', 'd', '--values', 'w?*'], /no column "w\?\*"; there are/],
      [['--from-sql', 'postgres://x/y'], /needs --query or --layout/],
      [[path, '--table', 'x'], /--table needs --from-sql/],
      [[path, '--time-zone', 'Mars/Olympus'], /IANA/],
    ] as const) {
      const bad = run(args);
      assert.equal(await bad.ended, 2, args.join(' '));
      assert.match(bad.stderr(), message);
    }
    const gone = run([join(folder.path, 'nowhere.csv')]);
    assert.equal(await gone.ended, 2);
    assert.match(gone.stderr(), /^tidegate: usage: ".*nowhere\.csv" cannot be read: ENOENT/);
    const folderItself = run([folder.path]);
    assert.equal(await folderItself.ended, 2);
    assert.match(folderItself.stderr(), /cannot be read: it is a folder/);
  });

  test('tags in a JSON object are tags where each column is a metric, too, unless it is named as one', async () => {
    const rows = `device,time,t,tags\nw,1,5,"{""site"":""north""}"\nw,2,6,\nw,3,7,north\n`;
    const path = await file('tagged.csv', rows);
    const { points: fate, rejects } = await report([path], 1);
    assert.equal(fate.stored, 3);
    assert.deepEqual(
      rejects.map(({ line, code }) => [line, code]),
      [[4, 'payload_shape']],
    );
    assert.deepEqual(await database.query(`SELECT metric_name, tags FROM iot_series WHERE device_id = 'w'`), [
      { metric_name: 't', tags: { site: 'north' } },
    ]);
    const named = await report([path, '--values', 't,tags', '--device', 'v', '--null-words', '{}']);
    assert.deepEqual([named.points.stored, named.rejected], [5, 0]);
  });

  test('what goes wrong half way is a failure, not bad usage', async () => {
    const path = await file('half.csv.gz', gzipSync('device,metric,time,value\nh,x,1,1\n').subarray(0, -9));
    const half = run([path]);
    assert.equal(await half.ended, 1);
    assert.match(half.stderr(), /^tidegate: import_source: /);
  });
});
