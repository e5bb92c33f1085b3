/**
 * Test files that do not come to their end, as they reckon or wait without one: Node's runner waits for them without a bound, and
 * prints nothing of those behind them.
 */

import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { keepersIn, type Report } from './handles.ts';

/** Milliseconds. */
const EVERY = 5_000;
const PATIENCE = 10_000;
/** A process that reckons pauses at once; one that waits never does. */
const PAUSE = 2_000;
/** Where Node listens to debuggers from SIGUSR1 on. */
const INSPECTOR = 'http://127.0.0.1:9229/json/list';

interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Kills those that run for more than `limit` milliseconds, with all that they started, and says where they were. */
export function endHungFiles(files: readonly string[], limit: number, say: (text: string) => void): void {
  /** When they were seen first, by process. */
  const seen = new Map<number, number>();
  const look = async (): Promise<void> => {
    for (const { pid, parent, command } of await processes()) {
      const file = command.split(' ').at(-1) as string;
      if (parent !== process.pid || !files.includes(file)) continue;
      const since = seen.get(pid) ?? performance.now();
      seen.set(pid, since);
      if (performance.now() - since < limit) continue;
      seen.set(pid, Infinity);
      const whereabouts = await whereaboutsOf(pid);
      const started = descendants(await processes(), pid);
      await end([...started.map((child) => child.pid), pid]);
      const lines = [
        `${file} had not ended after ${Math.round(limit / 1000)} s: killed.`,
        ...whereabouts,
        ...started.map((child) => `It had started: ${child.command}`),
      ];
      say(`\n✖ ${lines.join('\n')}\n`);
    }
  };
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => {
        clearInterval(timer);
        say(`\nTest files that hang are not ended: ${String(error)}\n`);
      })
      .finally(() => (looking = null));
  }, EVERY).unref();
}

async function processes(): Promise<Running[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args=']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [pid, parent, ...args] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), command: args.join(' ') };
    });
}

function descendants(all: readonly Running[], of: number): Running[] {
  return all
    .filter(({ parent }) => parent === of)
    .flatMap((child) => [...descendants(all, child.pid), child]);
}

/** Resolves once none of them is there. */
async function end(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (pids.filter(kill).length > 0 && performance.now() < deadline) await delay(100);
}

/** False where there is none any more. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** As a debugger sees it. */
async function whereaboutsOf(pid: number): Promise<string[]> {
  const deadline = performance.now() + PATIENCE;
  try {
    process.kill(pid, 'SIGUSR1');
    for (;;) {
      const url = await debuggerUrl().catch(() => undefined);
      if (url !== undefined) return await lookInto(url);
      if (performance.now() > deadline) return ['No debugger gets to it.'];
      await delay(100);
    }
  } catch (error) {
    return [`No debugger sees where it is: ${String(error)}`];
  }
}

async function debuggerUrl(): Promise<string | undefined> {
  const response = await fetch(INSPECTOR);
  const [target] = (await response.json()) as { readonly webSocketDebuggerUrl: string }[];
  return target?.webSocketDebuggerUrl;
}

/** What is read of it: https://chromedevtools.github.io/devtools-protocol/v8/ */
type Told =
  | {
      readonly method: 'Debugger.scriptParsed';
      readonly params: { readonly scriptId: string; readonly url: string };
    }
  | { readonly method: 'Debugger.paused'; readonly params: { readonly callFrames: readonly Frame[] } }
  | { readonly method?: never; readonly result: { readonly result?: { readonly value?: Report } } };

interface Frame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number };
}

/** Where its JavaScript is, if it is at any, and what it may wait for. */
async function lookInto(url: string): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const socket = new WebSocket(url);
  let sent = 0;
  const send = (method: string, params = {}): void =>
    socket.send(JSON.stringify({ id: ++sent, method, params }));
  const ask = setTimeout(
    () => send('Runtime.evaluate', { expression: 'process.report.getReport()', returnByValue: true }),
    PAUSE,
  );
  const giveUp = setTimeout(() => reject(new Error('it does not answer')), PATIENCE);
  socket.addEventListener('error', () => reject(new Error('it does not listen')));
  socket.addEventListener('open', () => {
    send('Debugger.enable');
    send('Debugger.pause');
  });
  const scripts = new Map<string, string>();
  let frames: readonly Frame[] = [];
  socket.addEventListener('message', ({ data }) => {
    const told = JSON.parse(String(data)) as Told;
    if (told.method === 'Debugger.scriptParsed') scripts.set(told.params.scriptId, told.params.url);
    else if (told.method === 'Debugger.paused') frames = told.params.callFrames;
    else if (told.result?.result?.value !== undefined)
      resolve([
        'It was at:',
        ...frames.map(
          ({ functionName, location: { scriptId, lineNumber } }) =>
            `    ${functionName} (${scripts.get(scriptId)}:${lineNumber + 1})`,
        ),
        'And these kept it:',
        ...keepersIn(told.result.result.value),
      ]);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(ask);
    clearTimeout(giveUp);
    socket.close();
  }
}
