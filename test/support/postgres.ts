import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startPostgres } from '../../src/demo/embedded-postgres.ts';
import { postgresBinaries, unprivilegedAccount } from '../../src/demo/postgres-binaries.ts';
import { openCluster } from '../../src/demo/postgres-cluster.ts';

export type TestPostgres = EmbeddedPostgres & AsyncDisposable;

/**
 * A server of the caller's own, to stop and kill at will (`await using`); its files go when it is disposed. It waits
 * for the disk as a server does, so that faults are real.
 */
export async function startTestPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  const folder = await createDataFolder();
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

/** What the servers of a run begin with, as `TIDEGATE_TEST_CLUSTER`: copied it takes a tenth of the processor that initdb takes. */
export async function createCluster(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await createDataFolder();
  const account = await unprivilegedAccount();
  await openCluster(path, account, await postgresBinaries(account), false);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function createDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
  // As root, the server runs as another account.
  await chmod(folder, 0o711);
  return folder;
}
