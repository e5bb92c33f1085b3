/** What figures were measured on. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { mosquittoPath } from '../../support/broker.ts';
import type { Ground } from './side.ts';

/** The load of the minute before. */
export function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(1);
}

export function machine(): string {
  const cores = cpus();
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return `${cores.length} x ${cores[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB; Tidegate ${version}, Node ${process.version}`;
}

export async function servers({ admin }: Pick<Ground, 'admin'>): Promise<string> {
  const settings = ['server_version', 'synchronous_commit', 'fsync', 'shared_buffers', 'max_wal_size'];
  const { rows } = await admin.query<{ value: string }>(
    'SELECT current_setting(name) AS value FROM unnest($1::text[]) WITH ORDINALITY AS s (name, n) ORDER BY n',
    [settings],
  );
  const [version, ...values] = rows.map(({ value }) => value);
  const set = settings.slice(1).map((name, index) => `${name} = ${values[index]}`);
  const psql = (await promisify(execFile)('psql', ['--version'])).stdout.split(' ')[2];
  return `PostgreSQL ${version} (${set.join(', ')}), psql ${psql}, mosquitto ${await mosquittoVersion()}`;
}

/** mosquitto says it in its help, which ends with an exit code of its own. */
async function mosquittoVersion(): Promise<string | undefined> {
  const help = await promisify(execFile)(mosquittoPath ?? 'mosquitto', ['-h']).catch(
    (error: { stdout?: string }) => error,
  );
  return /mosquitto version (\S+)/.exec(help.stdout ?? '')?.[1];
}
