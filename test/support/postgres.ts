import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startPostgres } from '../../src/demo/embedded-postgres.ts';

export type TestPostgres = EmbeddedPostgres & AsyncDisposable;

/** For what nobody stops, and what is tested with it is not what the disk keeps: it need not wait for it. */
const UNSYNCED = { fsync: 'off', full_page_writes: 'off' };
/** Linux's file system in memory (tmpfs). */
const MEMORY = '/dev/shm';
/** Bytes; all databases of a run at one time have a tenth of it. */
const ROOM = 4 * 1024 ** 3;

/**
 * A server of the caller's own, to stop and kill at will (`await using`); its files go when it is disposed. It waits
 * for the disk as a server does, so that faults are real.
 */
export async function startTestPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  return await startIn(tmpdir(), settings);
}

/**
 * The same for those who neither stop nor kill it. In memory, where there is room, a database is made and dropped for a fourth
 * of the processor, and without the waits.
 */
export async function startQuickPostgres(): Promise<TestPostgres> {
  const memory = await statfs(MEMORY).catch(() => null);
  const roomy = memory !== null && memory.bavail * memory.bsize >= ROOM;
  return await startIn(roomy ? MEMORY : tmpdir(), UNSYNCED);
}

async function startIn(place: string, settings: Record<string, string>): Promise<TestPostgres> {
  const folder = await createDataFolder(place);
  const made = process.env['TIDEGATE_TEST_CLUSTER'];
  // With the owner of its files, which is the server's account.
  if (made !== undefined) await promisify(execFile)('cp', ['-a', `${made}/.`, folder]);
  const server = await startPostgres({ dataFolder: folder, settings, sync: false });
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      await server.stop('immediate');
      await rm(server.dataFolder, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/**
 * What the servers of a run begin with, as `TIDEGATE_TEST_CLUSTER`: copied it takes a tenth of the processor that initdb takes.
 * `prepare` gets the URL of a server that runs on it, and leaves there what all shall have.
 */
export async function createCluster(
  prepare: (url: string) => Promise<unknown>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await createDataFolder(tmpdir());
  const server = await startPostgres({ dataFolder: path, settings: UNSYNCED, sync: false });
  await prepare(server.url);
  await server.stop();
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function createDataFolder(place: string): Promise<string> {
  const folder = await mkdtemp(join(place, 'tidegate-test-'));
  // As root, the server runs as another account.
  await chmod(folder, 0o711);
  return folder;
}
