import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Daemon } from './daemon.ts';

/** The clock and the name service of a daemon's host (test/support/faulty-host.ts); names that end in .test are its own. */
export interface Host extends AsyncDisposable {
  /** The variables of a daemon that lives there. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves once the daemon lives by it. `clock`: milliseconds ahead. `names`: the code that look-ups fail with. */
  change(daemon: Daemon, faults: { clock?: number; names?: 'ENOTFOUND' | 'EAI_AGAIN' }): Promise<void>;
}

/** In order, with every name known; `clock`: milliseconds ahead from the beginning. */
export async function createHost({ clock = 0 }: { readonly clock?: number } = {}): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-host-'));
  const file = join(folder, 'host.json');
  let turn = 0;
  await writeFile(file, JSON.stringify({ clock, names: null, turn }));
  return {
    env: {
      NODE_OPTIONS: `--import=${new URL('faulty-host.ts', import.meta.url).href}`,
      TEST_HOST_FILE: file,
    },
    change: async (daemon, { clock: ahead = 0, names = null }: { clock?: number; names?: string | null }) => {
      turn++;
      await writeFile(file, JSON.stringify({ clock: ahead, names, turn }));
      process.kill(daemon.pid, 'SIGUSR2');
      await daemon.logged(new RegExp(`test host: turn ${turn}\n`));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
