/**
 * A PostgreSQL that is installed with its tools, for tests of backups: the embedded one has no pg_dump and no pg_basebackup,
 * and those of an older release refuse its server.
 */

import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { type Account, ENVIRONMENT, unprivilegedAccount } from '../../src/demo/postgres-binaries.ts';
import { freePort } from './broker.ts';

const run = promisify(execFile);

/** Where Debian has them, a folder a release. */
const RELEASES = '/usr/lib/postgresql';
const NEEDED = ['initdb', 'postgres', 'pg_dump', 'pg_restore', 'pg_basebackup'];

/** Of the newest release that is there completely; null where none is. */
const binaries = findBinaries();

/** For `test(name, needsTools, ...)`. */
export const needsTools: { readonly skip: string | false } = {
  skip:
    binaries === null &&
    'needs a server of PostgreSQL with pg_dump and pg_basebackup (Debian: postgresql), not here',
};

export interface InstalledPostgres extends AsyncDisposable {
  readonly server: EmbeddedPostgres;
  /** A copy of the whole server, by pg_basebackup: not started. */
  baseBackup(): Promise<InstalledPostgres>;
}

/** Runs one of the tools, as ourselves or as the account of the server. */
export async function postgresTool(
  name: string,
  args: readonly string[],
  account: Account = null,
): Promise<void> {
  await run(program(name), args, { ...account, cwd: '/', env: ENVIRONMENT });
}

/** A new server, started. */
export async function startInstalledPostgres(): Promise<InstalledPostgres> {
  const account = await unprivilegedAccount();
  const folder = await ownFolder(account);
  const args = [
    '-D',
    join(folder, 'postgres'),
    '-U',
    'tidegate',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ];
  await postgresTool('initdb', args, account);
  const installed = await of(folder, account);
  await installed.server.start();
  return installed;
}

async function of(folder: string, account: Account): Promise<InstalledPostgres> {
  const port = await freePort();
  const server = new EmbeddedPostgres({
    dataFolder: folder,
    port,
    url: `postgres://tidegate@127.0.0.1:${port}/postgres`,
    account,
    program: program('postgres'),
    settings: {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: `${port}`,
      timezone: 'UTC',
      fsync: 'off',
    },
  });
  return {
    server,
    baseBackup: async () => {
      const copy = await ownFolder(account);
      const to = join(copy, 'postgres');
      const args = ['-d', server.url, '-D', to, '-X', 'stream', '-c', 'fast', '--no-sync'];
      await postgresTool('pg_basebackup', args, account);
      return await of(copy, account);
    },
    async [Symbol.asyncDispose]() {
      await server.stop('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of the account that the server runs as. */
async function ownFolder(account: Account): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-installed-'));
  await chmod(folder, 0o711);
  if (account !== null) await chown(folder, account.uid, account.gid);
  return folder;
}

function program(name: string): string {
  if (binaries === null) throw new Error('no PostgreSQL is installed');
  return join(binaries, name);
}

function findBinaries(): string | null {
  if (!existsSync(RELEASES)) return null;
  const releases = readdirSync(RELEASES).toSorted((left, right) => Number(right) - Number(left));
  const folders = releases.map((release) => join(RELEASES, release, 'bin'));
  return folders.find((folder) => NEEDED.every((name) => existsSync(join(folder, name)))) ?? null;
}
