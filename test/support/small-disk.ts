import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of one mebibyte (`await using`); null where this user may not mount one. */
export async function smallDisk(): Promise<(AsyncDisposable & { readonly path: string }) | null> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tidegate-test', path], { stdio: 'ignore' });
  } catch {
    await rm(path, { recursive: true });
    return null;
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      // Lazily: a test that fails leaves its spool open.
      execFileSync('umount', ['-l', path]);
      await rm(path, { recursive: true });
    },
  };
}
