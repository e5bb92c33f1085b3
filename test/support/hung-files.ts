/**
 * Test files that do not come to their end, as they reckon or wait without one: Node's runner waits for them without a bound, and
 * prints nothing of those behind them.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Milliseconds. */
const EVERY = 5_000;

interface Running {
  readonly pid: number;
  readonly parent: number;
  /** Percent of one core, of all its time. */
  readonly load: string;
  readonly command: string;
}

/** Kills those that run for more than `limit` milliseconds, with all that they started, and says what they did. */
export function endHungFiles(files: readonly string[], limit: number, say: (text: string) => void): void {
  /** When they were seen first, by process. */
  const seen = new Map<number, number>();
  const look = async (): Promise<void> => {
    const all = await processes();
    for (const { pid, parent, load, command } of all) {
      const file = command.split(' ').at(-1) as string;
      if (parent !== process.pid || !files.includes(file)) continue;
      const since = seen.get(pid) ?? performance.now();
      seen.set(pid, since);
      if (performance.now() - since < limit) continue;
      seen.set(pid, Infinity);
      const started = descendants(all, pid);
      for (const one of [...started.map((child) => child.pid), pid]) kill(one);
      const lines = [
        `${file} had not ended after ${Math.round(limit / 1000)} s, at ${load} % of a core: killed.`,
        ...started.map((child) => `It had started: ${child.command}`),
      ];
      say(`\n✖ ${lines.join('\n')}\n`);
    }
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      clearInterval(timer);
      say(`\nTest files that hang are not ended: ${String(error)}\n`);
    });
  }, EVERY).unref();
}

async function processes(): Promise<Running[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pcpu=,args=']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [pid, parent, load = '', ...args] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), load, command: args.join(' ') };
    });
}

function descendants(all: readonly Running[], of: number): Running[] {
  return all
    .filter(({ parent }) => parent === of)
    .flatMap((child) => [...descendants(all, child.pid), child]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
