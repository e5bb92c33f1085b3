import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { addViews } from '../../../src/commands/views.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { message } from '../../unit/pipeline/messages.ts';
import { runCommand } from '../commands/command-run.ts';
import { environment } from '../dead-letters/letters.ts';
import { at, openSink } from '../postgres/sinks.ts';

const NOON = at('2026-01-01T12:00:00Z');
const SECOND = 1_000_000;

suite('tidegate views --like', () => {
  let database: TestDatabase;
  let old: TestDatabase;
  before(async () => {
    [database, old] = await Promise.all([createDatabase({ template: true }), createDatabase()]);
    await using sink = openSink(database);
    await sink.put(
      message((out) => {
        out.number('boiler', 'temperature', NOON, 21.5, 'gauge');
        out.describe({ tags: { room: 'cellar' } });
        out.number('boiler', 'temperature', NOON + SECOND, 1e300, 'gauge');
        out.number('boiler', 'pump', NOON, 1, 'state');
        out.text('boiler', 'temperature', NOON + SECOND, 'broken', false);
        for (const [cpu, idle] of Object.entries({ cpu0: 90, cpu1: 80 })) {
          out.number('web', `cpu.usage_idle,cpu=${cpu}`, NOON, idle, 'gauge');
          out.describe({ tags: { cpu } });
          out.number('web', `cpu.cores,cpu=${cpu}`, NOON, Number.NaN, 'gauge');
          out.describe({ tags: { cpu } });
        }
        out.number('web', 'mem.used', NOON, 5, 'gauge');
        out.text('door', 'state', NOON, 'open', false);
      }),
    );
    await old.query(`CREATE TABLE cpu ("time" timestamp, host text, cpu text, usage_idle double precision, cores bigint, extra jsonb);
      CREATE TABLE ltss (id bigserial, "time" timestamptz, entity_id varchar(255), state varchar(255), PRIMARY KEY (id, "time"));
      CREATE TABLE now_is (device text PRIMARY KEY, seen timestamptz, temperature real, pump boolean)`);
  });
  after(async () => {
    await Promise.all([database.drop(), old.drop()]);
  });

  const make = async (...args: string[]): Promise<string> => {
    const run = runCommand(addViews, ['views', ...args], { env: environment(database) });
    assert.equal(await run.ended, 0, run.stderr());
    return run.stdout();
  };

  test('a view that took the name of its table is made anew with other columns, and says where none is the device', async () => {
    await database.query(
      `CREATE TABLE public."Climate log" ("time" timestamptz PRIMARY KEY, room text, temperature double precision)`,
    );
    const like = ['--like', 'Climate log', '--replace'];
    assert.match(await make(...like), /^room +\| tag room$[^]*^No column names the device\./m);
    const again = await make(...like, '--device', 'room');
    assert.match(again, /^room +\| device_id$/m);
    assert.doesNotMatch(again, /No column names/);
    assert.deepEqual(await database.query(`SELECT DISTINCT room FROM "Climate log"`), [{ room: 'boiler' }]);
    // Its table has gone: the columns are those of the view.
    await database.query('DROP TABLE "Climate log_before_tidegate"');
    assert.match(await make(...like, '--device', 'room'), /^room +\| device_id$/m);
  });

  test('a table with a row a point, which gives its name to the view', async () => {
    await database.query(
      `CREATE TABLE public.readings (id serial, at timestamptz, device text, metric text, value real, room varchar(20))`,
    );
    assert.match(await make('--like', 'public.readings', '--replace'), /^value +\| value$/m);
    assert.deepEqual(
      await database.query(
        `SELECT * FROM readings WHERE device = 'boiler' AND at > '2026-01-01' ORDER BY metric, at`,
      ),
      [
        { id: null, at: new Date(NOON / 1000), device: 'boiler', metric: 'pump', value: 1, room: null },
        {
          id: null,
          at: new Date(NOON / 1000),
          device: 'boiler',
          metric: 'temperature',
          value: 21.5,
          room: 'cellar',
        },
        {
          id: null,
          at: new Date(NOON / 1000 + 1000),
          device: 'boiler',
          metric: 'temperature',
          value: null,
          room: 'cellar',
        },
      ],
    );
    assert.equal((await database.query('SELECT * FROM readings_before_tidegate')).length, 0);
  });

  test("Telegraf's table of another database", async () => {
    const like = ['--like', 'cpu', '--from-sql', old.url, '--metric', 'cpu.{column},cpu={cpu}'];
    await make(...like);
    const rows = [
      { time: '2026-01-01 12:00:00', host: 'web', cpu: 'cpu0', usage_idle: 90, cores: null, extra: null },
      { time: '2026-01-01 12:00:00', host: 'web', cpu: 'cpu1', usage_idle: 80, cores: null, extra: null },
    ];
    const select = 'SELECT "time"::text, host, cpu, usage_idle, cores, extra FROM cpu ORDER BY cpu';
    assert.deepEqual(await database.query(select), rows);
    // Again: it is one of ours.
    await make(...like);
    assert.deepEqual(await database.query(select), rows);
    const types = `SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'cpu'::regclass AND attnum > 0 ORDER BY attnum`;
    assert.deepEqual(await database.query(types), await old.query(types));
  });

  test('states that are texts and numbers, and what is there now', async () => {
    await make('--like', 'ltss', '--from-sql', old.url, '--metric', 'temperature');
    assert.deepEqual(
      await database.query(
        `SELECT entity_id, state FROM ltss WHERE "time" >= '2026-01-01' ORDER BY "time", state`,
      ),
      [
        { entity_id: 'boiler', state: '21.5' },
        { entity_id: 'boiler', state: '1e+300' },
        { entity_id: 'boiler', state: 'broken' },
      ],
    );
    await make('--like', 'now_is', '--from-sql', old.url);
    assert.deepEqual(await database.query('SELECT * FROM now_is'), [
      { device: 'boiler', seen: new Date(NOON / 1000 + 1000), temperature: null, pump: true },
    ]);
  });

  test('the metric that has the name of the column of values', async () => {
    await old.query('CREATE TABLE states (entity_id varchar(255), state varchar(255), at timestamptz)');
    await make('--like', 'states', '--from-sql', old.url, '--metric', 'state');
    assert.deepEqual(await database.query('SELECT entity_id, state FROM states'), [
      { entity_id: 'door', state: 'open' },
    ]);
  });

  test('a key of its own, texts of a fixed length, and arrays, which are NULL', async () => {
    await old.query(`CREATE TABLE "Old.data ""1"""
      (id bigserial PRIMARY KEY, at timestamptz, device char(8), metric text, value real, more text[], many integer[])`);
    await make('--like', 'Old.data "1"', '--from-sql', old.url, '--name', 'old_data');
    const [first, ...others] = await database.query(
      `SELECT * FROM old_data WHERE device = 'boiler' AND metric = 'temperature' ORDER BY at`,
    );
    assert.deepEqual(first, {
      id: null,
      at: new Date(NOON / 1000),
      device: 'boiler',
      metric: 'temperature',
      value: 21.5,
      more: null,
      many: null,
    });
    assert.equal(others.length, 1);
  });

  test('it is printed where that is wanted, and refused where it cannot be', async () => {
    const printed = await make('--like', 'now_is', '--from-sql', old.url, '--name', 'elsewhere', '--print');
    assert.match(printed, /^BEGIN;\nCREATE OR REPLACE VIEW "public"\."elsewhere" AS\n/);
    await database.query(`CREATE TABLE public.taken (device text, time timestamptz, value int)`);
    for (const [args, code, message] of [
      [['--like', 'public.taken', '--metric', 'x'], 1, /layout_unfit: "public"\."taken" is there already/],
      [['--like', 'public.taken'], 1, /layout_unfit: taken has no column of metrics/],
      [['--like', 'nothing'], 1, /layout_unfit: there is no table nothing/],
      [['--like', 'public.taken', '--device', 'x'], 1, /taken has no column x/],
      [['--like', 'taken', '--replace', '--name', 'x'], 2, /--replace gives/],
      [['--like', 'public.No thing'], 1, /layout_unfit: there is no table public\.No thing/],
      [['--like', 'iot_latest', '--replace'], 1, /layout_unfit: iot_latest is what Tidegate itself/],
      [['--like', 'public.taken', '--metric', 'x.{column'], 2, /brace/],
      [['--like', 'public.taken', '--metric', 'x', '--time-zone', 'Mars/Olympus'], 2, /IANA/],
    ] as const) {
      const run = runCommand(addViews, ['views', ...args], { env: environment(database) });
      assert.equal(await run.ended, code, args.join(' '));
      assert.match(run.stderr(), message);
    }
  });
});
