/** History out of a file and out of another database, beside psql's \copy of the same file into a table with the same key. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { createFolder } from '../support/folder.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { freshDatabase } from './database.ts';
import { figure } from './figures.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const DEVICES = 50;
const BEGIN = Date.parse('2025-03-01T00:00:00Z');
const COLUMNS = 'device_id text, metric_name text, "timestamp" timestamptz, value double precision';

export async function benchImport({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres({ max_wal_size: '4GB' });
  await using folder = await createFolder();
  const path = join(folder.path, 'history.csv');
  await writeHistory(path, count);
  const { size } = await stat(path);
  const source = await sourceDatabase(postgres.url, path);
  const rates: Record<'csv' | 'sql' | 'again' | 'copy' | 'export', number[]> = {
    csv: [],
    sql: [],
    again: [],
    copy: [],
    export: [],
  };
  const spent: Record<'csv' | 'sql', number[]> = { csv: [], sql: [] };
  for (let round = 0; round < rounds; round++) {
    for (const way of ['csv', 'sql'] as const) {
      const { url, client } = await freshDatabase(postgres.url);
      await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
      const env = { TIDEGATE_DATABASE_URL: url };
      const query = 'SELECT * FROM history ORDER BY "timestamp", device_id';
      const args = way === 'csv' ? [path] : ['--from-sql', source, '--query', query];
      rates[way].push(
        count / (await timed(async () => spent[way].push(await succeed(['import', ...args], env)))),
      );
      if (way === 'csv') {
        rates.again.push(count / (await timed(() => succeed(['import', path, '--anew'], env))));
        const file = join(folder.path, 'export.csv');
        rates.export.push(count / (await timed(() => succeed(['export', '-o', file], env))));
      }
      await client.end();
    }
    const { url, client } = await freshDatabase(postgres.url);
    await client.query(
      `CREATE TABLE history (${COLUMNS}, PRIMARY KEY (device_id, metric_name, "timestamp"))`,
    );
    await client.end();
    rates.copy.push(count / (await timed(() => copyIn(url, path))));
  }
  const cpu = (values: readonly number[]): string =>
    `${((figure(values).median / count) * 1e6).toFixed(1)} us of CPU of the process a row, start included`;
  const rate = (values: readonly number[]): string => figure(values).text('rows/s');
  return [
    `${count.toLocaleString('en-US')} rows of ${DEVICES} devices, a second apart, ${Math.round(size / 2 ** 20)} MiB of CSV:`,
    `  import of the file        ${rate(rates.csv)}, ${cpu(spent.csv)}`,
    `  import from SQL           ${rate(rates.sql)}, ${cpu(spent.sql)}`,
    `  the file once more        ${rate(rates.again)}, all of it there already`,
    `  export as CSV             ${rate(rates.export)}`,
    `  psql \\copy, key and all   ${rate(rates.copy)}`,
  ];
}

async function writeHistory(path: string, count: number): Promise<void> {
  const file = createWriteStream(path);
  file.write('device_id,metric_name,timestamp,value\n');
  let lines = '';
  for (let row = 0; row < count; row++) {
    const time = new Date(BEGIN + Math.floor(row / DEVICES) * 1000).toISOString();
    lines += `device-${row % DEVICES},temperature,${time},${(200 + ((row * 7) % 97)) / 10}\n`;
    if (lines.length < 1_000_000) continue;
    if (!file.write(lines)) await once(file, 'drain');
    lines = '';
  }
  file.end(lines);
  await finished(file);
}

async function sourceDatabase(server: string, path: string): Promise<string> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  await admin.query('CREATE DATABASE source');
  await admin.end();
  const url = new URL(server);
  url.pathname = '/source';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  await client.query(`CREATE TABLE history (${COLUMNS})`);
  await client.end();
  await copyIn(url.href, path);
  return url.href;
}

async function copyIn(url: string, path: string): Promise<void> {
  await promisify(execFile)('psql', [url, '-c', `\\copy history from '${path}' (format csv, header)`]);
}

/** Resolves to the seconds of CPU that the command took. */
async function succeed(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', '"$@" && times', 'sh', process.execPath, MAIN, ...args],
    { env: { ...process.env, ...env } },
  );
  // The last line: of children, in the mode of the user and of the system (POSIX, times).
  const spent = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(stdout)?.slice(1).map(Number) ?? [];
  const [minutes = 0, seconds = 0, more = 0, rest = 0] = spent;
  return (minutes + more) * 60 + seconds + rest;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
