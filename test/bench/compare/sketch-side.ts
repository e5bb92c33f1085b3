/** The collector of the sketch (sketch-collector.py), fed in its own process, without a broker, into a table without a key. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freshDatabase } from '../database.ts';
import { type Ground, meter, rest, type Side } from './side.ts';

const COLLECTOR = fileURLToPath(new URL('sketch-collector.py', import.meta.url));
/** Debian's: its psycopg2 is a package of Debian (python3-psycopg2). */
const PYTHON = '/usr/bin/python3';
const TABLE = `CREATE TABLE iot_data (
  device_id text, metric_name text, value double precision, "timestamp" timestamptz)`;

/** A text that says why not, where Python or psycopg2 is not here. `count`: points of a run. */
export async function sketchSide(ground: Ground, name: string, count: number): Promise<Side | string> {
  const versions = await promisify(execFile)(PYTHON, [
    '-c',
    'import platform, psycopg2; print(platform.python_version(), psycopg2.__version__.split()[0])',
  ]).catch(() => null);
  if (versions === null) return `The sketch's collector is left out: ${PYTHON} with psycopg2 is not here.`;
  const [python, psycopg2] = versions.stdout.trim().split(' ');
  const { url, client } = await freshDatabase(ground.postgres.url, name);
  ground.started.defer(() => client.end());
  await client.query(TABLE);
  let total = 0;
  return {
    name: `the sketch's collector (Python ${python}, psycopg2 ${psycopg2})`,
    async run() {
      const child = spawn(PYTHON, [COLLECTOR, url, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface(child.stdout);
      await once(lines, 'line');
      await rest(ground);
      const spent = meter(ground, child.pid as number);
      const begin = performance.now();
      child.stdin.write('go\n');
      await once(lines, 'line');
      const seconds = (performance.now() - begin) / 1000;
      const { itself = 0, database = 0 } = spent();
      child.stdin.end('end\n');
      await once(child, 'exit');
      total += count;
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::float8 AS n FROM iot_data');
      const lost = total - (rows[0]?.n ?? 0);
      total -= lost;
      return { messages: null, points: count - lost, seconds, cpu: { itself, database }, lost };
    },
  };
}
