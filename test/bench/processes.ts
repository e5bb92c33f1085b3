/** CPU and memory of processes (proc(5)); Linux alone has it. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Of a second: sysconf(_SC_CLK_TCK), which is 100 wherever Linux runs. */
const TICK = 0.01;
/** Busy less than this share of one core is at rest; asked every so many milliseconds, so often at most. */
const REST = 0.05;
const LOOK = 500;
const LOOKS = 120;

/** Seconds of CPU of a process and all that it started, gone or not. */
export function cpuOf(root: number): number {
  try {
    const stat = readFileSync(`/proc/${root}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // User and system, its own and of children that ended.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    const children = readdirSync(`/proc/${root}/task`).flatMap((task) =>
      readFileSync(`/proc/${root}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return children.reduce((sum, child) => sum + cpuOf(Number(child)), ticks * TICK);
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

/** Resident memory in MiB, now and at most so far. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const size = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { now: size('VmRSS'), peak: size('VmHWM') };
}

/** Resolves once none of them does much, or after a minute. */
export async function atRest(roots: readonly number[]): Promise<void> {
  const spent = () => roots.reduce((sum, root) => sum + cpuOf(root), 0);
  for (let look = 0, before = spent(); look < LOOKS; look++) {
    await delay(LOOK);
    const now = spent();
    if (now - before < (REST * LOOK) / 1000) return;
    before = now;
  }
}
