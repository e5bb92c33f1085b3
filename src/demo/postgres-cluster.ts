/** The files of the embedded PostgreSQL: `password`, `postgres.log` and the cluster itself in `postgres/`. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { TidegateError } from '../errors.ts';
import { type Account, ENVIRONMENT } from './postgres-binaries.ts';

export const SUPERUSER = 'tidegate';

export function clusterFolder(dataFolder: string): string {
  return path.join(dataFolder, 'postgres');
}

/** The superuser's password; makes the cluster first where there is none. Throws `demo_unavailable`. */
export async function openCluster(
  dataFolder: string,
  account: Account,
  binaries: string,
  sync: boolean,
): Promise<string> {
  const passwordFile = path.join(dataFolder, 'password');
  const exists = await stat(clusterFolder(dataFolder)).catch(() => null);
  if (exists === null) await createCluster(dataFolder, passwordFile, account, binaries, sync);
  return readFile(passwordFile, 'utf8');
}

/** Made aside and renamed: an interrupted initdb leaves nothing that looks like a cluster. */
async function createCluster(
  dataFolder: string,
  passwordFile: string,
  account: Account,
  binaries: string,
  sync: boolean,
): Promise<void> {
  const unfinished = `${clusterFolder(dataFolder)}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (account !== null) {
    await chown(unfinished, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const args = [
    `--pgdata=${unfinished}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Sorts alike on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(sync ? [] : ['--no-sync']),
  ];
  try {
    await promisify(execFile)(path.join(binaries, 'initdb'), args, {
      ...account,
      cwd: '/',
      env: ENVIRONMENT,
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const detail = `initdb failed: ${(stderr?.trim() || message).split('\n').join('; ')}`;
    throw new TidegateError('demo_unavailable', detail, { cause: error });
  }
  await rename(unfinished, clusterFolder(dataFolder));
}
