import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { after, before, suite, test } from 'node:test';
import { addDevices } from '../../../src/commands/devices.ts';
import { eventually } from '../../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SECOND } from '../../unit/pipeline/messages.ts';
import { at, count, openSink, series } from '../postgres/sinks.ts';
import { runCommand } from './command-run.ts';

suite('tidegate devices', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createDatabase({ template: true });
    await using sink = openSink(database);
    const day = at('2024-01-01T00:00:00Z');
    for (const device of ['boiler-1', 'boiler-2', 'pump', 'old', 'spare'])
      await sink.put(series(device, day, 1_234), series(device, day + 1_234 * SECOND + 1, 1));
    await database.query(
      `INSERT INTO tidegate.device_states VALUES
         ('boiler-1', 'c', 'silent', '2024-01-01T00:20:34Z', 1235, 60.0567, -0.25, '{}', '{}')`,
    );
    await database.query(`INSERT INTO tidegate.device_names VALUES ('boiler-1', 'Cellar', now())`);
    await database.query(
      `UPDATE tidegate.series SET unit = 'Cel', tags = '{"site": "berlin", "line": "1"}' WHERE device_id = 'boiler-1'`,
    );
  });
  after(() => database.drop());

  const devices = (args: readonly string[], more: { isTerminal?: boolean; input?: string } = {}) =>
    runCommand(addDevices, ['devices', ...args], {
      env: { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1' },
      ...more,
    });
  const pointsOf = (device: string) => count(database, 'iot_data WHERE device_id = $1', device);

  test('list shows devices with their points and times, and takes a glob', async () => {
    const all = devices(['list', '--match', 'boiler-*']);
    assert.equal(await all.ended, 0);
    assert.equal(
      all.stdout(),
      `device   | name   | series | points | first                       | last                        | state  | every  | clock skew
---------+--------+--------+--------+-----------------------------+-----------------------------+--------+--------+-----------
boiler-1 | Cellar | 1      | 1235   | 2024-01-01T00:00:00.000000Z | 2024-01-01T00:20:34.000001Z | silent | 60.1 s | -0.25 s
boiler-2 |        | 1      | 1235   | 2024-01-01T00:00:00.000000Z | 2024-01-01T00:20:34.000001Z |        |        |
(2 rows)
`,
    );
    const json = devices(['list', '--match', 'pump', '--json']);
    assert.equal(await json.ended, 0);
    assert.deepEqual(JSON.parse(json.stdout()), [
      {
        device_id: 'pump',
        device_name: null,
        series: 1,
        points: 1_235,
        first_seen: '2024-01-01T00:00:00.000000Z',
        last_seen: '2024-01-01T00:20:34.000001Z',
        state: null,
        last_arrival: null,
        expected_interval: null,
        clock_skew: null,
      },
    ]);
  });

  test('list takes tags, and show says what is known of each metric', async () => {
    for (const [tags, found] of [
      [['site:berlin', 'line:1'], ['boiler-1']],
      [['site:berlin', 'line:2'], []],
    ]) {
      const tagged = devices(['list', '--json', ...(tags ?? []).flatMap((tag) => ['--tag', tag])]);
      assert.equal(await tagged.ended, 0);
      const list = JSON.parse(tagged.stdout()) as { device_id: string }[];
      assert.deepEqual(
        list.map(({ device_id }) => device_id),
        found,
      );
    }
    const shown = devices(['show', 'boiler-1']);
    assert.equal(await shown.ended, 0);
    assert.equal(
      shown.stdout(),
      `metric | kind  | unit | tags               | points | latest | time
-------+-------+------+--------------------+--------+--------+----------------------------
x      | gauge | Cel  | line:1 site:berlin | 1235   | 1      | 2024-01-01T00:20:34.000001Z
(1 row)
`,
    );
    assert.equal(await devices(['show', 'nobody']).ended, 1);
  });

  test('a dry run says what it would do', async () => {
    const run = devices(['delete', 'boiler-1', '--from', '2024-01-01T00:01:00', '--dry-run']);
    assert.equal(await run.ended, 0);
    assert.equal(
      run.stdout(),
      `Would delete boiler-1 from 2024-01-01T00:01:00Z:
              1 series
          1,175 points
`,
    );
    assert.equal(await pointsOf('boiler-1'), 1_235);
  });

  test('without a terminal and without --yes it refuses and says what to do', async () => {
    for (const args of [
      ['delete', 'boiler-1'],
      ['rename', 'boiler-1', 'new'],
      ['merge', 'boiler-1', 'pump'],
    ]) {
      const run = devices(args);
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), /^tidegate: confirmation_needed: .*--dry-run.*--yes/);
      assert.equal(run.stdout(), '');
    }
    assert.equal(await pointsOf('boiler-1'), 1_235);
  });

  test('on a terminal it asks, and only yes is yes', async () => {
    for (const input of ['no\n', '', '\n', 'y\n']) {
      const run = devices(['delete', 'boiler-2'], { isTerminal: true, input });
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), /^Would delete boiler-2:\n +1 series\n +1,235 points\nType yes to go on: /);
      assert.match(run.stderr(), /confirmation_needed/);
    }
    assert.equal(await pointsOf('boiler-2'), 1_235);
    const run = devices(['delete', 'boiler-2'], { isTerminal: true, input: 'yes\n' });
    assert.equal(await run.ended, 0);
    assert.match(run.stdout(), /^Deleted boiler-2:\n/);
    assert.equal(await pointsOf('boiler-2'), 0);
  });

  test('with --yes it does it, and --json says what was done', async () => {
    const renamed = devices(['rename', 'old', 'new', '--yes', '--json']);
    assert.equal(await renamed.ended, 0, renamed.stderr());
    assert.deepEqual(JSON.parse(renamed.stdout()), {
      action: 'rename',
      subject: { device: 'old', name: 'new' },
      dry_run: false,
      counts: { series: 1, aliases: 1 },
    });
    const merged = devices(['merge', 'new', 'spare', '--yes', '--json']);
    assert.equal(await merged.ended, 0, merged.stderr());
    assert.deepEqual((JSON.parse(merged.stdout()) as { counts: unknown }).counts, {
      series: 1,
      merged_series: 1,
      points: 0,
      dropped: 1_235,
      aliases: 2,
    });
    const [entry] = await database.query<{ actor: string }>(
      `SELECT actor FROM iot_audit WHERE action = 'merge'`,
    );
    assert.ok(entry?.actor.startsWith(`${userInfo().username}@`), entry?.actor);
  });

  test('stopped while it waits, it ends and has changed nothing', async () => {
    const writer = await database.connect();
    await writer.query('BEGIN; SELECT pg_advisory_xact_lock_shared(tidegate.chunk_map_lock())');
    const run = devices(['delete', 'pump', '--yes']);
    await eventually(
      'the correction waits for the map',
      async () =>
        (await count(
          database,
          `pg_stat_activity WHERE datname = current_database() AND application_name = 'tidegate devices' AND wait_event = 'advisory'`,
        )) === 1,
    );
    run.stop();
    assert.equal(await run.ended, 1);
    assert.match(run.stderr(), /correction_failed: it was stopped/);
    await writer.query('COMMIT');
    assert.equal(await pointsOf('pump'), 1_235);
  });

  test('what cannot be is told with the exit code', async () => {
    for (const [args, code, complaint] of [
      [['delete', 'nobody', '--yes'], 1, /device_unknown: "nobody"/],
      [['delete', 'pump', '--metric', 'none', '--yes'], 1, /device_unknown: "pump" with a metric "none"/],
      [['rename', 'pump', 'boiler-1', '--yes'], 1, /device_exists: "boiler-1".*merge/],
      [['rename', 'pump', '', '--yes'], 2, /usage/],
      [['merge', 'pump', 'pump', '--yes'], 2, /usage/],
      [['delete', 'pump', '--from', 'yesterday', '--yes'], 2, /2026-01-31/],
      [['delete', 'pump', '--from', '2024-01-02', '--to', '2024-01-01', '--yes'], 2, /not before/],
    ] as const) {
      const run = devices(args);
      assert.equal(await run.ended, code, args.join(' '));
      assert.match(run.stderr(), complaint);
    }
    assert.equal(await pointsOf('pump'), 1_235);
  });
});
