import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '../../src/demo/embedded-postgres.ts';

export type TestPostgres = EmbeddedPostgres & AsyncDisposable;

/**
 * A server of the caller's own, to stop and kill at will (`await using`); its files go when it is disposed. It waits
 * for the disk as a server does, so that faults are real.
 */
export async function startTestPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
  // As root, the server runs as another account.
  await chmod(folder, 0o711);
  const server = await startPostgres({ dataFolder: folder, settings, sync: false });
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      await server.stop('immediate');
      await rm(server.dataFolder, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  });
}
