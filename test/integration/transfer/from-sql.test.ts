import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { addImport } from '../../../src/commands/import.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { become } from '../../unit/decode/presets/preset-points.ts';
import { runCommand } from '../commands/command-run.ts';
import { environment } from '../dead-letters/letters.ts';

/** As Telegraf's postgresql output makes them (its README: default, tags_as_foreign_keys, tags_as_jsonb). */
const TELEGRAF = `
  CREATE TABLE cpu ("time" timestamp, host text, cpu text, usage_idle double precision, n_cpus bigint, "Mixed" numeric);
  INSERT INTO cpu VALUES
    ('2026-01-01 00:00:10.5', 'web', 'cpu0', 97.25, 4, 1), ('2026-01-01 00:00:10.5', 'web', 'cpu1', 'NaN', 4, NULL),
    ('2026-01-01 00:00:20', 'db', NULL, 1e-300, 9007199254740992, 0.1);
  CREATE TABLE net ("time" timestamp, tag_id bigint, bytes_recv bigint, up boolean, note text);
  CREATE TABLE net_tag (tag_id bigint PRIMARY KEY, host text, interface text);
  INSERT INTO net_tag VALUES (7, 'web', 'eth0'), (8, 'web', 'eth1');
  INSERT INTO net VALUES ('2026-01-01 00:00:10', 7, 100, true, 'slow'), ('2026-01-01 00:00:10', 8, 200, false, NULL);
  CREATE TABLE metrics ("time" timestamptz, measurement text, tags jsonb, field text, value double precision);
  INSERT INTO metrics VALUES
    ('2026-01-01 01:00:10+01', 'mem', '{"host": "web"}', 'used', 5),
    ('2026-01-01 01:00:10+01', 'disk', '{"path": "/", "host": "web", "fstype": "ext4"}', 'used', 6);
  CREATE TABLE swap ("time" timestamp, tags jsonb, fields jsonb);
  INSERT INTO swap VALUES ('2026-01-01 00:00:10', '{"host": "web"}', '{"in": 1, "out": 2.5, "state": "idle"}');`;

/** The columns of Home Assistant's recorder since schema 38, and of LTSS, as far as they are asked for. */
const HOME_ASSISTANT = `
  CREATE TABLE state_attributes (attributes_id bigserial PRIMARY KEY, hash bigint, shared_attrs text);
  INSERT INTO state_attributes (shared_attrs) VALUES ('{"unit_of_measurement":"°C","friendly_name":"Küche"}');
  CREATE TABLE states_meta (metadata_id bigserial PRIMARY KEY, entity_id varchar(255));
  CREATE TABLE states (state_id bigserial PRIMARY KEY, entity_id char(1), state varchar(255), attributes char(1),
    event_id smallint, last_changed timestamptz, last_changed_ts double precision, last_updated timestamptz,
    last_updated_ts double precision, old_state_id bigint, attributes_id bigint, metadata_id bigint REFERENCES states_meta);
  INSERT INTO states_meta (entity_id) VALUES ('sensor.kitchen'), ('switch.lamp'), ('weather.home'),
    ('climate.bed');
  INSERT INTO states (attributes_id, state, last_changed_ts, last_updated_ts, metadata_id) VALUES
    (1, '21.5', NULL, 1767225600.123456, 1), (1, 'unavailable', NULL, 1767225601, 1),
    (1, '21.5', 1767225600.123456, 1767225602, 1), (NULL, 'on', NULL, 1767225600, 2),
    (NULL, 'sunny', NULL, 1767225600, 3), (NULL, NULL, NULL, 1767225700, 3),
    (NULL, 'off', NULL, 1767225600, 4), (NULL, 'unavailable', NULL, 1767225700, 4);
  CREATE TABLE ltss (id bigserial, "time" timestamptz, entity_id varchar(255), state varchar(255), attributes jsonb,
    PRIMARY KEY (id, "time"));
  INSERT INTO ltss ("time", entity_id, state, attributes) VALUES
    ('2026-01-02 00:00:00.000001+00', 'sensor.kitchen', '20', '{"unit_of_measurement": "°C"}'),
    ('2026-01-02 00:00:01+00', 'lock.door', 'locked', '{}'), ('2026-01-02 00:00:01+00', 'cover.garage', 'open', '{}');`;

suite('tidegate import --from-sql', () => {
  let database: TestDatabase;
  let source: TestDatabase;
  before(async () => {
    [database, source] = await Promise.all([createDatabase({ template: true }), createDatabase()]);
    await source.query(TELEGRAF);
    await source.query(HOME_ASSISTANT);
  });
  after(async () => {
    await Promise.all([database.drop(), source.drop()]);
  });

  const run = (...args: readonly string[]) =>
    runCommand(addImport, ['import', '--from-sql', source.url, ...args], { env: environment(database) });

  /** What the import stored, as texts. */
  async function imported(...args: readonly string[]): Promise<string[]> {
    await database.query(
      'TRUNCATE tidegate.points, tidegate.texts, tidegate.points_late, tidegate.texts_late',
    );
    const done = run(...args);
    assert.equal(await done.ended, 0, `${done.stdout()}${done.stderr()}`);
    assert.match(done.stdout(), /^Verified: /m);
    const rows = await database.query<{ line: string }>(
      `SELECT concat_ws(' ', device_id, metric_name, value, to_char("timestamp", 'DD HH24:MI:SS.US')) AS line
       FROM (SELECT device_id, metric_name, value::text, "timestamp" FROM iot_data UNION ALL SELECT * FROM iot_text) a
       ORDER BY device_id COLLATE "C", metric_name COLLATE "C", "timestamp"`,
    );
    return rows.map(({ line }) => line);
  }

  test('a table a measurement', async () => {
    assert.deepEqual(await imported('--layout', 'telegraf_wide', '--table', 'cpu'), [
      'db cpu.Mixed 0.1 01 00:00:20.000000',
      'db cpu.n_cpus 9.007199254740992e+15 01 00:00:20.000000',
      'db cpu.usage_idle 1e-300 01 00:00:20.000000',
      'web cpu.Mixed,cpu=cpu0 1 01 00:00:10.500000',
      'web cpu.n_cpus,cpu=cpu0 4 01 00:00:10.500000',
      'web cpu.n_cpus,cpu=cpu1 4 01 00:00:10.500000',
      'web cpu.usage_idle,cpu=cpu0 97.25 01 00:00:10.500000',
      'web cpu.usage_idle,cpu=cpu1 NaN 01 00:00:10.500000',
    ]);
    const named = ['--device', '{host}-{cpu}', '--metric', '{column}', '--max-errors', '1'];
    const done = run('--layout', 'telegraf_wide', '--table', 'public.cpu', ...named);
    assert.equal(await done.ended, 1);
    assert.match(done.stdout(), /^line 3 +device_id_missing/m);
    assert.equal((await database.query(`SELECT FROM iot_data WHERE device_id = 'web-cpu0'`)).length, 3);
  });

  test('tags in a table of their own', async () => {
    assert.deepEqual(await imported('--layout', 'telegraf_tags', '--table', 'net'), [
      'web net.bytes_recv,interface=eth0 100 01 00:00:10.000000',
      'web net.bytes_recv,interface=eth1 200 01 00:00:10.000000',
      'web net.note,interface=eth0 slow 01 00:00:10.000000',
      'web net.up,interface=eth0 1 01 00:00:10.000000',
      'web net.up,interface=eth1 0 01 00:00:10.000000',
    ]);
    assert.deepEqual(
      await database.query(`SELECT tags FROM iot_series WHERE metric_name = 'net.up,interface=eth1'`),
      [{ tags: { interface: 'eth1' } }],
    );
  });

  test('names that have to be quoted', async () => {
    await source.query(`CREATE TABLE "Disk 1" ("time" timestamp, tag_id bigint, free bigint);
      CREATE TABLE "Disk 1_tag" (tag_id bigint PRIMARY KEY, host text);
      INSERT INTO "Disk 1_tag" VALUES (1, 'web'); INSERT INTO "Disk 1" VALUES ('2026-01-01', 1, 5)`);
    assert.deepEqual(await imported('--layout', 'telegraf_tags', '--table', 'Disk 1'), [
      'web Disk 1.free 5 01 00:00:00.000000',
    ]);
  });

  test('one table of all, and fields as JSON', async () => {
    assert.deepEqual(await imported('--layout', 'telegraf_narrow', '--table', 'metrics'), [
      'web disk.used,fstype=ext4,path=/ 6 01 00:00:10.000000',
      'web mem.used 5 01 00:00:10.000000',
    ]);
    assert.deepEqual(
      await database.query(
        `SELECT tags FROM iot_series WHERE metric_name IN ('disk.used,fstype=ext4,path=/', 'mem.used') ORDER BY metric_name`,
      ),
      [{ tags: { path: '/', fstype: 'ext4' } }, { tags: {} }],
    );
    assert.deepEqual(await imported('--layout', 'telegraf_wide', '--table', 'swap'), [
      'web swap.in 1 01 00:00:10.000000',
      'web swap.out 2.5 01 00:00:10.000000',
      'web swap.state idle 01 00:00:10.000000',
    ]);
  });

  test('series are those that the preset telegraf makes of the same lines', async () => {
    await source.query(`CREATE TABLE odd ("time" timestamp, "zone,a" text, host text, path text, used double precision);
      COMMENT ON COLUMN odd.used IS 'field';
      INSERT INTO odd VALUES ('2026-01-01 00:00:10', 'x=1, y', 'web', '/a b', 6)`);
    const stored = await imported('--layout', 'telegraf_wide', '--table', 'odd');
    const line = 'odd,host=web,path=/a\\ b,zone\\,a=x\\=1\\,\\ y used=6 1767225610000000000';
    const { full: points } = become({ preset: 'telegraf' }, 'telegraf/web/odd', line);
    assert.deepEqual(stored, [`web ${points[0]?.metric_name} 6 01 00:00:10.000000`]);
    const [series] = await database.query(`SELECT tags FROM iot_series WHERE metric_name LIKE 'odd%'`);
    assert.deepEqual(series, { tags: points[0]?.tags });
  });

  test("Home Assistant's recorder and LTSS", async () => {
    assert.deepEqual(await imported('--layout', 'ha_recorder'), [
      'climate.bed state off 01 00:00:00.000000',
      'sensor.kitchen state 21.5 01 00:00:00.123456',
      'switch.lamp state 1 01 00:00:00.000000',
      'weather.home state sunny 01 00:00:00.000000',
    ]);
    assert.deepEqual(
      await database.query(`SELECT unit, device_name FROM iot_series WHERE device_id = 'sensor.kitchen'`),
      [{ unit: '°C', device_name: 'Küche' }],
    );
    assert.deepEqual(await imported('--layout', 'ltss'), [
      'cover.garage state open 02 00:00:01.000000',
      'lock.door state locked 02 00:00:01.000000',
      'sensor.kitchen state 20 02 00:00:00.000001',
    ]);
  });

  test("Home Assistant's recorder as a SQLite file", async () => {
    await using folder = await createFolder();
    const path = join(folder.path, 'home-assistant_v2.db');
    const file = new DatabaseSync(path);
    file.exec(
      HOME_ASSISTANT.replace(/CREATE TABLE ltss[^]*/, '')
        .replaceAll('bigserial', 'integer')
        .replace(/ double precision| timestamptz/g, ' real'),
    );
    const recorder = `sqlite://${path}`;
    const from = (...args: string[]) =>
      runCommand(addImport, ['import', '--from-sql', ...args], { env: environment(database) });
    await database.query(
      'TRUNCATE tidegate.points, tidegate.texts, tidegate.points_late, tidegate.texts_late',
    );
    const done = from(recorder, '--layout', 'ha_recorder', '--device', 'lite.{entity_id}');
    assert.equal(await done.ended, 0, `${done.stdout()}${done.stderr()}`);
    assert.match(done.stdout(), /^ +4 points stored$/m);
    assert.deepEqual(
      await database.query(
        `SELECT device_name, unit, last_seen = '2026-01-01 00:00:00.123456+00' AS exact FROM iot_series
         WHERE device_id = 'lite.sensor.kitchen'`,
      ),
      [{ device_name: 'Küche', unit: '°C', exact: true }],
    );
    file.exec(`INSERT INTO state_attributes VALUES (9, 9, 'no JSON');
      INSERT INTO states (state, last_updated_ts, metadata_id, attributes_id) VALUES ('off', 1767225800, 2, 9)`);
    file.close();
    const more = from(recorder, '--layout', 'ha_recorder', '--device', 'lite.{entity_id}');
    assert.equal(await more.ended, 0, more.stderr());
    assert.match(more.stdout(), /^ +1 point stored; 4 more in earlier runs$/m);
    const query = `SELECT 9007199254740993 AS n, 'big' AS device, 1767225600000001 AS time`;
    const big = from(recorder, '--query', query, '--values', 'n', '--dry-run');
    assert.equal(await big.ended, 0, big.stderr());
    assert.match(big.stdout(), /2026-01-01T00:00:00\.000001Z {2}big {2}n {2}9007199254740992/);
    const endless = `SELECT -9e999 AS n, 'big' AS device, 1767225600000001 AS time`;
    const infinite = from(recorder, '--query', endless, '--values', 'n', '--dry-run');
    assert.equal(await infinite.ended, 0, infinite.stderr());
    assert.match(infinite.stdout(), / {2}big {2}n {2}-Infinity$/m);
    for (const [args, code, message] of [
      [[`${recorder}x`, '--layout', 'ha_recorder'], 2, /cannot be read: ENOENT/],
      [[recorder, '--layout', 'ltss'], 2, /of SQLite there is the layout ha_recorder/],
      [[recorder, '--query', 'SELECT nonsense'], 1, /import_source: no such column: nonsense/],
      [[recorder, '--query', 'DELETE FROM states RETURNING *'], 1, /import_source: .*readonly/],
      [[recorder, '--query', `SELECT x'00' AS v, 'd' AS device, 1 AS time`], 1, /the column v has bytes/],
    ] as const) {
      const bad = from(...args);
      assert.equal(await bad.ended, code, `${args.join(' ')}: ${bad.stderr()}`);
      assert.match(bad.stderr(), message);
    }
  });

  test('a query of its own, and what comes to it later', async () => {
    await source.query(`CREATE TABLE log AS SELECT 'x"\\y' AS device, 'n' AS metric, g AS value, to_timestamp(g) AS time
      FROM generate_series(1, 3000) g`);
    const query = ['--query', 'SELECT * FROM log ORDER BY value -- in order\n;'];
    const json = async (...args: string[]) => {
      const done = run(...query, '--json', ...args);
      assert.equal(await done.ended, 0, `${done.stdout()}${done.stderr()}`);
      return JSON.parse(done.stdout()) as {
        records_before: number;
        points: { stored: number; duplicate: number };
      };
    };
    assert.equal((await json()).points.stored, 3_000);
    await source.query(
      `INSERT INTO log SELECT 'z', 'n', g, to_timestamp(g) FROM generate_series(3001, 3010) g`,
    );
    const more = await json();
    assert.deepEqual([more.records_before, more.points.stored, more.points.duplicate], [3_000, 3_010, 0]);
    await source.query('UPDATE log SET metric = $$m$$ WHERE value = 7');
    const changed = run(...query);
    assert.equal(await changed.ended, 1);
    assert.match(changed.stderr(), /import_changed/);
  });

  test('one that is stopped while its query brings nothing yet ends at once', async () => {
    const stopped = run(
      '--query',
      `SELECT now() AS time, 'd' AS device, pg_sleep(600)::text AS metric, 1 AS value`,
    );
    const activity = `FROM pg_stat_activity WHERE application_name = 'tidegate import source' AND wait_event = 'PgSleep'
      AND datname = current_database()`;
    await eventually('it waits', async () => (await source.query(`SELECT ${activity}`)).length > 0);
    stopped.stop();
    assert.equal(await stopped.ended, 1);
    assert.match(
      stopped.stdout(),
      /^Imported 0 records of [^]*^Stopped\. The same command goes on from there\.$/m,
    );
    await source.query(`SELECT pg_terminate_backend(pid) ${activity}`);
  });

  test('what cannot be read', async () => {
    for (const [args, message] of [
      [['--query', 'SELECT nonsense'], /import_source: column "nonsense"/],
      [['--query', 'DELETE FROM cpu RETURNING *'], /import_source: /],
      [['--query', 'SELECT 1 AS a, 2 AS a'], /import_source: two columns are named "a"/],
      [['--layout', 'telegraf_wide', '--table', 'nowhere'], /layout_unfit: there is no table nowhere/],
      [['--layout', 'telegraf_narrow', '--table', 'cpu'], /layout_unfit: cpu has no columns field and value/],
    ] as const) {
      const done = run(...args);
      assert.equal(await done.ended, 1, args.join(' '));
      assert.match(done.stderr(), message);
    }
    for (const [url, code, message] of [
      ['mysql://old/telegraf', 2, /usage: --from-sql takes postgres:.* or sqlite:/],
      [source.url.replace(/[^/]*$/, 'nowhere'), 1, /database_refused: --from-sql .*nowhere/],
    ] as const) {
      const done = runCommand(addImport, ['import', '--from-sql', url, '--query', 'SELECT 1'], {
        env: environment(database),
      });
      assert.equal(await done.ended, code, url);
      assert.match(done.stderr(), message);
    }
    const usage = run('--layout', 'telegraf_wide');
    assert.equal(await usage.ended, 2);
    assert.match(usage.stderr(), /needs --table/);
  });
});
