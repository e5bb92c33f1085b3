/** Where a running demo can be reached, left in its data folder for `tidegate demo query`. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TidegateError } from '../errors.ts';

export interface DemoAddresses {
  readonly broker: string;
  /** With its password. */
  readonly database: string;
  readonly http: string;
}

/** Readable by our own account only: it holds a password. */
export async function writeNotice(dataFolder: string, addresses: DemoAddresses): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  await removeNotice(dataFolder);
  await writeFile(noticeFile(dataFolder), JSON.stringify(addresses), { mode: 0o600, flag: 'wx' });
}

export async function removeNotice(dataFolder: string): Promise<void> {
  await rm(noticeFile(dataFolder), { force: true });
}

/** Throws demo_not_running where no demo runs on the folder. */
export async function readNotice(dataFolder: string): Promise<DemoAddresses> {
  try {
    return JSON.parse(await readFile(noticeFile(dataFolder), 'utf8')) as DemoAddresses;
  } catch (cause) {
    throw new TidegateError('demo_not_running', `nothing runs on ${path.resolve(dataFolder)}`, { cause });
  }
}

function noticeFile(dataFolder: string): string {
  return path.join(dataFolder, 'demo.json');
}
