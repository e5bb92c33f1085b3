import { execFile } from 'node:child_process';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { networkInterfaces, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Disk } from './host-rules.ts';
import { type MosquittoConf, parseMosquittoConf } from './mosquitto-conf.ts';

/** Of Linux; other systems do not say, and then nothing is known. */
const PROC = '/proc';

/** Null where a file cannot be read. */
async function text(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(() => null);
}

/** Bytes. */
export async function memory(): Promise<{ total: number; available: number | null }> {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec((await text(join(PROC, 'meminfo'))) ?? '');
  return { total: totalmem(), available: found === null ? null : Number(found[1]) * 1_024 };
}

/** Of a process, its soft limit; null where that cannot be seen. */
export async function openFiles(pid: number | 'self'): Promise<number | null> {
  const [, limit] =
    /^Max open files\s+(\S+)/m.exec((await text(join(PROC, String(pid), 'limits'))) ?? '') ?? [];
  if (limit === undefined) return null;
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

/** By the kernel, whichever program keeps it; null where systemd does not run. */
export async function isClockSynchronised(): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: 5_000 },
    );
    return { yes: true, no: false }[stdout.trim()] ?? null;
  } catch {
    return null;
  }
}

/** The disk of a folder, or of the nearest one above it that is there; null where none can be looked at. */
export async function diskOf(path: string): Promise<Disk | null> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => null);
    if (disk !== null) return { path, free: disk.bavail * disk.bsize, total: disk.blocks * disk.bsize };
    if (at === dirname(at)) return null;
  }
}

/** Whether a process of this number is PostgreSQL, so that the server is on this machine and not behind a tunnel or in a container. */
export async function isPostgres(pid: number): Promise<boolean> {
  return /\bpostgres/.test((await text(join(PROC, String(pid), 'cmdline'))) ?? '');
}

/** Whether a host name of a URL means this machine. */
export function isThisMachine(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === '' || bare === 'localhost' || bare.startsWith('127.') || bare === '::1') return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === bare),
  );
}

export interface RunningMosquitto {
  readonly pid: number;
  /** Null where it was started without one, or its file cannot be read. */
  readonly conf: MosquittoConf | null;
  readonly path: string | null;
}

/** The mosquitto of this machine that listens on `port`; null where none is seen. */
export async function findMosquitto(port: number): Promise<RunningMosquitto | null> {
  const pids = (await readdir(PROC).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const unread: RunningMosquitto[] = [];
  for (const pid of pids) {
    const args = ((await text(join(PROC, pid, 'cmdline'))) ?? '').split('\0');
    if (!/(^|\/)mosquitto$/.test(args[0] ?? '')) continue;
    const at = args.findIndex((arg) => arg === '-c' || arg === '--config-file');
    const path = at < 0 ? null : (args[at + 1] ?? null);
    const conf = path === null || !path.startsWith('/') ? null : await readConf(path);
    const running = { pid: Number(pid), conf, path };
    if (conf?.ports.includes(port) === true) return running;
    if (conf === null) unread.push(running);
  }
  // One alone, of which nothing is known, is most likely the one.
  return unread.length === 1 ? (unread[0] ?? null) : null;
}

/** With the files that it includes, in their order; null where it cannot be read. */
async function readConf(path: string): Promise<MosquittoConf | null> {
  const main = await text(path);
  if (main === null) return null;
  const texts = [main];
  for (const folder of parseMosquittoConf(main).includes) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.conf')).sort();
    for (const name of names) texts.push((await text(join(folder, name))) ?? '');
  }
  return parseMosquittoConf(texts.join('\n'));
}
