import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';

const NAME = /^lock-[0-9a-f]{8}$/;
/** Two that begin at once both see the other and step back; they come again at different times. */
const ATTEMPTS = 5;
/** Milliseconds. */
const STEP_BACK = 100;
/** What a file system answers that has no sockets. */
const NO_SOCKETS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS']);

/**
 * Keeps a second process out of the folder. The lock is a Unix socket in it that its process listens on: the kernel
 * refuses connections to it once that process is gone, however it ended, and across containers that share the folder; a
 * file with a process number could not tell, as numbers are used again. Everyone listens first, under a name of their
 * own, and looks for others then, so that of two at least one sees the other.
 */
export class Lock {
  readonly #server: Server | null;
  readonly #path: string;

  private constructor(server: Server | null, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** Rejects with spool_unusable where another process has the folder. */
  static async take(folder: string, logger: Logger): Promise<Lock> {
    for (let attempt = 1; ; attempt++) {
      const name = `lock-${randomUUID().slice(0, 8)}`;
      const lock = new Lock(await listen(folder, name, logger), join(folder, name));
      let taken = true;
      try {
        taken = await othersListen(folder, name);
      } finally {
        if (taken) await lock.release();
      }
      if (!taken) return lock;
      if (attempt === ATTEMPTS) break;
      await delay(Math.random() * STEP_BACK);
    }
    throw new TidegateError(
      'spool_unusable',
      `another process uses ${folder}: give every daemon a folder of its own`,
    );
  }

  async release(): Promise<void> {
    if (this.#server === null) return;
    this.#server.close();
    await once(this.#server, 'close');
    await rm(this.#path, { force: true });
  }
}

/** Null where the file system has no sockets: better a spool without a lock than none. */
async function listen(folder: string, name: string, logger: Logger): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy()).unref();
  try {
    await atShortPath(folder, async (short) => {
      server.listen(join(short, name));
      await once(server, 'listening');
    });
    return server;
  } catch (error) {
    if (!NO_SOCKETS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    logger.warn(
      { folder, error },
      'the spool cannot be locked on this file system: let one daemon alone use it',
    );
    return null;
  }
}

/** Takes away the sockets that nobody listens on any more. */
async function othersListen(folder: string, own: string): Promise<boolean> {
  for (const name of await readdir(folder)) {
    if (!NAME.test(name) || name === own) continue;
    if (await answers(folder, name)) return true;
    await rm(join(folder, name), { force: true });
  }
  return false;
}

async function answers(folder: string, name: string): Promise<boolean> {
  return await atShortPath(folder, async (short) => {
    const socket = connect(join(short, name));
    try {
      await once(socket, 'connect');
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED' || code === 'ENOENT') return false;
      // It lets go at this moment: the next attempt will see.
      if (code === 'ECONNRESET') return true;
      throw error;
    } finally {
      socket.destroy();
    }
  });
}

/** The path of a socket has 107 bytes at most (unix(7)); Linux has a short way to any open folder. */
async function atShortPath<T>(folder: string, use: (short: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(folder) < 90) return await use(folder);
  await using handle = await open(folder);
  return await use(`/proc/self/fd/${handle.fd}`);
}
