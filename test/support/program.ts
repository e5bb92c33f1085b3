/** `tidegate` as users start it: a process of its own. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestBroker } from './broker.ts';

const SOURCES = {
  main: fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
  'faulty-daemon': fileURLToPath(new URL('faulty-daemon.ts', import.meta.url)),
} as const;

/** The file that Node runs: built where it is built, else the source. */
export function programFile(program: keyof typeof SOURCES): string {
  // Built by test/support/global-setup.ts, or test/bench/main.ts.
  const built = process.env['TIDEGATE_TEST_PROGRAM'];
  return built === undefined ? SOURCES[program] : join(built, `${program}.js`);
}

export interface Outcome {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Its environment is `env` alone, and what a process needs to be one. */
export function spawnTidegate(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program: string = programFile('main'),
): ChildProcessWithoutNullStreams {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGATE_'));
  return spawn(process.execPath, [program, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
  });
}

/** Runs a command to its end. */
export async function tidegate(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input: string | Uint8Array = '',
): Promise<Outcome> {
  const child = spawnTidegate(args, env);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  // A command that reads no input may be gone before it is written.
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

/** The variables that name a broker and a database; any free port for HTTP. */
export function addresses(
  broker: Pick<TestBroker, 'kind' | 'url'>,
  databaseUrl: string,
): Record<string, string> {
  return {
    TIDEGATE_MQTT_URL: broker.url,
    TIDEGATE_MQTT_PROTOCOL_VERSION: broker.kind === 'aedes' ? '3.1.1' : '5',
    TIDEGATE_DATABASE_URL: databaseUrl,
    TIDEGATE_HTTP_PORT: '0',
    TIDEGATE_LOG_FORMAT: 'json',
  };
}
