/**
 * A flow in Node-RED: MQTT in (QoS 1, JSON), a function that makes parameters of a message, one INSERT a message through a PostgreSQL
 * node, with the defaults of its editor, into a table without a key. Installed when it is asked for, into a folder of its own
 * beside other temporary files, which is used again; no dependency of the project.
 */

import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { freshDatabase } from '../database.ts';
import type { Flows } from '../flows.ts';
import { type Ground, measured, type Side } from './side.ts';

const NODE_RED = 'node-red@5.0.7';
/** pg 8.16 or newer; node-red-contrib-re-postgres has pg 6, which cannot log in with SCRAM. */
const POSTGRES_NODE = 'node-red-contrib-postgrestor-next@0.5.2';
/** Milliseconds between two questions, and without a new row until the rest counts as lost: the node gives up after ten seconds. */
const POLL = 100;
const GIVE_UP = 15_000;

/** A text that says why not, where npm cannot install it. */
export async function nodeRedSide(
  ground: Ground,
  flows: Flows,
  prefix: string,
  count: number,
): Promise<Side | string> {
  const folder = join(tmpdir(), 'tidegate-bench-node-red');
  try {
    await install(folder);
  } catch (error) {
    return `Node-RED is left out: npm cannot install it (${String(error).split('\n')[0]}).`;
  }
  const { url, client } = await freshDatabase(ground.postgres.url, prefix);
  ground.started.defer(() => client.end());
  await client.query(
    'CREATE TABLE readings (device_id text, metric_name text, value double precision, "timestamp" timestamptz)',
  );
  const pid = await start(ground, folder, prefix, url);
  ground.processes.push(pid);
  const stored = async () => {
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::float8 AS n FROM readings');
    return rows[0]?.n ?? 0;
  };
  return {
    name: `Node-RED (${NODE_RED}, ${POSTGRES_NODE})`,
    async run() {
      const before = await stored();
      return await measured(ground, flows.next(count), pid, async () => {
        let rows = before;
        let moved = performance.now();
        for (let waited = 0; rows < before + count && waited < GIVE_UP; waited = performance.now() - moved) {
          await delay(POLL);
          const now = await stored();
          if (now > rows) moved = performance.now();
          rows = now;
        }
        return { lost: before + count - rows, waited: performance.now() - moved };
      });
    },
  };
}

/** npm's own scripts of packages are not run: none is needed. */
async function install(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await promisify(execFile)('npm', ['install', ...flags, NODE_RED, POSTGRES_NODE], { cwd: folder });
}

/** Resolves to its process id once it has subscribed. */
async function start(ground: Ground, folder: string, prefix: string, url: string): Promise<number> {
  await writeFile(
    join(folder, 'flows.json'),
    JSON.stringify(flowOf(prefix, ground.broker.port, new URL(url))),
  );
  const settings = {
    uiHost: '127.0.0.1',
    uiPort: await freePort(),
    flowFile: 'flows.json',
    credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false },
  };
  await writeFile(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
  const log = ground.broker.log().length;
  const program = join(folder, 'node_modules/node-red/red.js');
  const child = spawn(process.execPath, [program, '--userDir', folder], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  ground.started.defer(() => void child.kill('SIGKILL'));
  await eventually('Node-RED subscribes', () => ground.broker.log().slice(log).includes(`${prefix}/#`));
  return child.pid as number;
}

/** What the editor would export. */
function flowOf(prefix: string, port: number, url: URL): object[] {
  const shape = `const [, device, metric] = msg.topic.split('/');
msg.params = [device, metric, msg.payload.value, new Date(msg.payload.timestamp)];
return msg;`;
  const typed = (key: string, value: unknown, type: string) => ({ [key]: value, [`${key}FieldType`]: type });
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(port),
      clientid: '',
      autoConnect: true,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
    },
    {
      id: 'in',
      type: 'mqtt in',
      z: 'tab',
      topic: `${prefix}/#`,
      qos: '1',
      datatype: 'json',
      broker: 'broker',
      wires: [['shape']],
    },
    { id: 'shape', type: 'function', z: 'tab', func: shape, outputs: 1, wires: [['insert']] },
    {
      id: 'insert',
      type: 'postgrestor',
      z: 'tab',
      query: 'INSERT INTO readings VALUES ($1, $2, $3, $4);',
      postgresDB: 'database',
      output: true,
      outputs: 1,
      throwErrors: false,
      wires: [[]],
    },
    {
      id: 'database',
      type: 'postgresDB',
      throwErrors: true,
      throwErrorsFieldType: 'bool',
      ...typed('host', url.hostname, 'str'),
      ...typed('port', url.port, 'num'),
      ...typed('database', url.pathname.slice(1), 'str'),
      ...typed('ssl', false, 'bool'),
      ...typed('max', 10, 'num'),
      ...typed('min', 1, 'num'),
      ...typed('idle', 1000, 'num'),
      ...typed('connectionTimeout', 10_000, 'num'),
      ...typed('user', decodeURIComponent(url.username), 'str'),
      ...typed('password', decodeURIComponent(url.password), 'str'),
    },
  ];
}
