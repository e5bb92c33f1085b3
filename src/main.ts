#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Terminal } from './commands/terminal.ts';
import { unfitMachine } from './commands/unfit-machine.ts';
import { beginSmall, keepSmall } from './heap.ts';
import { INSTALLATION } from './installation.ts';
import type { Channel } from './workers/messages.ts';

/** The process's edge: arguments, signals, exit code. Nothing else touches `process`. */

const refusal = unfitMachine(process.arch);
if (refusal !== null) {
  process.stderr.write(`tidegate: ${refusal}\n`);
  process.exit(1);
}

// An import keeps what it has read until that is stored: there a small heap would cost two thirds more time.
const isImport = process.argv[2] === 'import';
if (!isImport) beginSmall();
const { runCommand } = await import('./commands/program.ts');

const { version } = JSON.parse(readFileSync(new URL('package.json', INSTALLATION), 'utf8')) as {
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

function toParent(send: NonNullable<typeof process.send>): Channel {
  return {
    // Where nobody is there any more, `onClosed` says so.
    send: (message) => void (process.connected && send(message, undefined, undefined, () => {})),
    onMessage: (act) => process.on('message', act),
    onClosed: (act) => process.once('disconnect', act),
  };
}

const terminal: Terminal = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stdout.isTTY,
  onLoaded: () => void (isImport || keepSmall()),
  stopped: stopped.signal,
  killed: killed.signal,
  onHangup: (act) => process.on('SIGHUP', act),
  monotonic: () => process.hrtime.bigint() / 1000n,
  program: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  ...(process.send !== undefined && { parent: toParent(process.send.bind(process)) }),
  version,
};
process.exitCode = await runCommand(process.argv, terminal);
// Handles that a library left open must not keep a finished command alive.
process.stdout.write('', () => process.exit());
