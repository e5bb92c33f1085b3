#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Terminal } from './commands/terminal.ts';

/** The process's edge: arguments, signals, exit code. Nothing else touches `process`. */

// A daemon's garbage is young: kept small, V8's heap costs no throughput and about half the memory (ADR 0009). Before
// the other modules are loaded, as loading them is what makes it grow.
// An import keeps what it has read until that is stored: there it would cost two thirds more time.
if (process.argv[2] !== 'import') {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=25');
}
const { runCommand } = await import('./commands/program.ts');

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const stopped = new AbortController();
const killed = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (stopped.signal.aborted ? killed : stopped).abort());
}
// A reader that closes the pipe ends the output, not the program with a stack trace.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const terminal: Terminal = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stdout.isTTY,
  stopped: stopped.signal,
  killed: killed.signal,
  program: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  version,
};
process.exitCode = await runCommand(process.argv, terminal);
// Handles that a library left open must not keep a finished command alive.
process.stdout.write('', () => process.exit());
