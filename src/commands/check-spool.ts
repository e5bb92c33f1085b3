import { access, constants, mkdir, statfs } from 'node:fs/promises';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';

/**
 * Says what becomes of messages while the database is away; makes the folder where it is not there. Rejects with
 * spool_unusable. A spool that a daemon uses is not opened.
 */
export async function checkSpool(
  { spool, mqtt }: Config,
  ok: (text: string) => void,
  warn: (text: string) => void,
): Promise<void> {
  const { path, after, max_bytes: limit, on_full: onFull } = spool;
  if (path === null) {
    const hours = Math.round(mqtt.session_expiry / 3_600_000);
    ok(
      `spool: none; while the database is away, QoS 1 messages wait at the broker (session ${hours} h, and what it queues)`,
    );
    return;
  }
  let free: number;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(path);
    free = bavail * bsize;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TidegateError('spool_unusable', `${path}: ${reason}`, { cause: error });
  }
  const full =
    onFull === 'block' ? 'then messages wait at the broker' : 'then the oldest are deleted, counted';
  ok(`spool: ${path}, up to ${mebibytes(limit)} MiB after ${after / 1000} s without the database, ${full}`);
  if (free < limit) {
    warn(
      `spool: ${path} has ${mebibytes(free)} MiB free, less than spool.max_bytes (${mebibytes(limit)} MiB)`,
    );
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toLocaleString('en', { maximumFractionDigits: 0 });
}
