/** What is there already where a page begins: files, other programs' tables, devices that publish. */

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import type { TestMessage } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import type { Machine } from './machine.ts';

interface Fixture {
  /** By name, within the page's folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** In a database `telegraf` beside that of the page. */
  readonly telegraf?: string;
  /** In a SQLite file `home-assistant_v2.db`. */
  readonly homeAssistant?: string;
  /** Published again and again, ten times a second. */
  readonly devices?: readonly TestMessage[];
  /** The daemon runs, and has stored some of what they publish. */
  readonly running?: boolean;
}

const CONFIGURED = 'database: {url: "postgres://tidegate@db.example/iot"}\n';

const HISTORY = `timestamp,temperature,pressure
2026-01-31T12:00:00,21.5,1.2
2026-01-31T12:01:00,21.6,1.3
`;

/** Twelve rows of yesterday, as Telegraf writes them and as it publishes them. */
const YESTERDAY = (Math.floor(Date.now() / 86_400_000) - 1) * 86_400_000;
const ROWS = Array.from({ length: 12 }, (_, row) => ({ at: YESTERDAY + row * 600_000, idle: 90 + row / 4 }));
const TELEGRAF = `
  CREATE TABLE cpu ("time" timestamp, host text, cpu text, usage_idle double precision);
  INSERT INTO cpu VALUES ${ROWS.map(({ at, idle }) => `('${new Date(at).toISOString()}', 'web', 'cpu0', ${idle})`).join(', ')};
  CREATE TABLE disk ("time" timestamp, host text, path text, used_percent double precision);
  INSERT INTO disk VALUES ('2026-01-01 00:00:00', 'web', '/', 40);`;
const LINES: readonly TestMessage[] = ROWS.map(({ at, idle }) => ({
  topic: 'telegraf/web/cpu',
  payload: `cpu,cpu=cpu0,host=web usage_idle=${idle} ${at}000000`,
}));

/** The columns of the recorder since schema 38, as far as they are asked for. */
const RECORDER = `
  CREATE TABLE state_attributes (attributes_id INTEGER PRIMARY KEY, hash BIGINT, shared_attrs TEXT);
  INSERT INTO state_attributes VALUES (1, 0, '{"unit_of_measurement":"°C","friendly_name":"Kitchen"}');
  CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255));
  INSERT INTO states_meta VALUES (1, 'sensor.kitchen');
  CREATE TABLE states (state_id INTEGER PRIMARY KEY, entity_id CHAR(1), state VARCHAR(255), attributes CHAR(1),
    event_id SMALLINT, last_changed CHAR(1), last_changed_ts FLOAT, last_updated CHAR(1), last_updated_ts FLOAT,
    old_state_id INTEGER, attributes_id INTEGER, metadata_id INTEGER);
  INSERT INTO states (state, last_updated_ts, attributes_id, metadata_id)
    VALUES ('21.5', unixepoch() - 60, 1, 1), ('21.6', unixepoch() - 30, 1, 1);`;

/** As \`mariadb --batch\` prints it. */
const MARIADB = 'echo -e "entity_id\\\\tstate\\\\tts\\\\nsensor.kitchen\\\\t21.5\\\\t1767225600.5"';

const BOILER: readonly TestMessage[] = [{ topic: 'devices/boiler', payload: '{"temperature": 71.5}' }];
const KITCHEN: readonly TestMessage[] = [
  { topic: 'zigbee2mqtt/kitchen/sensor', payload: '{"temperature": 21.5, "battery": 17}' },
  { topic: 'zigbee2mqtt/lamp', payload: '{"state": "ON", "brightness": 215}' },
];

const FIXTURES: Readonly<Record<string, Fixture>> = {
  'docs/dead-letters.md': { running: true, devices: [{ topic: 'devices/a', payload: '{' }] },
  'docs/guides/from-home-assistant.md': { homeAssistant: RECORDER },
  'docs/guides/from-telegraf.md': { telegraf: TELEGRAF, devices: LINES },
  'docs/guides/raspberry-pi-zigbee2mqtt.md': { devices: KITCHEN },
  'docs/import.md': {
    files: { 'boiler.csv': HISTORY, 'old.yaml': CONFIGURED, 'new.yaml': CONFIGURED, 'bin/mariadb': MARIADB },
    telegraf: TELEGRAF,
    homeAssistant: RECORDER,
  },
  'docs/queries.md': { running: true, devices: BOILER },
  'docs/runbooks.md': { running: true, files: { 'tidegate.yaml': CONFIGURED } },
};

/** Devices publish until it is disposed. */
export async function prepare(page: string, machine: Machine): Promise<AsyncDisposable> {
  const { files = {}, telegraf, homeAssistant, devices = [], running = false } = FIXTURES[page] ?? {};
  for (const [name, text] of Object.entries(files)) machine.write(name, text);
  await machine.run('chmod -f +x bin/* || true');
  if (telegraf !== undefined) {
    await machine.database.query('CREATE DATABASE telegraf');
    const made = await machine.run(`psql -q -d telegraf <<'END'\n${telegraf}\nEND`);
    if (made.code !== 0) throw new Error(made.output);
  }
  if (homeAssistant !== undefined) {
    const database = new DatabaseSync(join(machine.folder, 'home-assistant_v2.db'));
    database.exec(homeAssistant);
    database.close();
  }
  if (running) await machine.run('tidegate run');
  if (devices.length === 0) return { [Symbol.asyncDispose]: async () => {} };
  const client = await connectAsync(machine.broker.url);
  const timer = setInterval(() => {
    for (const { topic, payload } of devices) client.publish(topic, payload as string, { qos: 1 });
  }, 100);
  if (running) {
    await eventually('a message is stored, or a dead letter', async () => {
      const found = await machine.database.query(
        'SELECT FROM iot_data UNION ALL SELECT FROM iot_dead_letters LIMIT 1',
      );
      return found.length > 0;
    });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await client.endAsync();
    },
  };
}
