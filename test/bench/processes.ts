/** CPU and memory of processes (proc(5)); Linux alone has it. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Of a second: sysconf(_SC_CLK_TCK), which is 100 wherever Linux runs. */
const TICK = 0.01;
/** Busy less than this share of one core is at rest; asked every so many milliseconds, so often at most. */
const REST = 0.05;
const LOOK = 500;
const LOOKS = 20;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Seconds, its own and those of its children that ended. */
  readonly cpu: number;
}

/** Seconds of CPU of a process and all that it started, gone or not. */
export function cpuOf(root: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== null);
  const family = new Set([root]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  return stats.filter(({ pid }) => family.has(pid)).reduce((sum, { cpu }) => sum + cpu, 0);
}

/** Resident memory in MiB, now and at most so far. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const size = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { now: size('VmRSS'), peak: size('VmHWM') };
}

/** Resolves once none of them does much, or after ten seconds. */
export async function atRest(roots: readonly number[]): Promise<void> {
  const spent = () => roots.reduce((sum, root) => sum + cpuOf(root), 0);
  for (let look = 0, before = spent(); look < LOOKS; look++) {
    await delay(LOOK);
    const now = spent();
    if (now - before < (REST * LOOK) / 1000) return;
    before = now;
  }
}

/** Null: it is gone. */
function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), cpu: ticks * TICK };
  } catch {
    return null;
  }
}
