#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError } from 'commander';
import { addCheck } from './commands/check.ts';
import { addDemo } from './commands/demo.ts';
import { addExplain } from './commands/explain.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRun } from './commands/run.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStatus } from './commands/status.ts';
import { addTail } from './commands/tail.ts';
import { describeFailure, type ExitCode, type Terminal } from './commands/terminal.ts';
import { TidegateError } from './errors.ts';

/** The process's edge: arguments, signals, exit code. Nothing else touches `process`. */

// A daemon's garbage is young: kept small, V8's heap costs no throughput and about half the memory (ADR 0009).
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=25');

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
  version,
};

function exit(code: ExitCode): void {
  process.exitCode = code;
}

const program = new Command('tidegate')
  .description('Writes what devices publish on MQTT into PostgreSQL, exactly once.')
  .version(version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
for (const add of [addRun, addDemo, addCheck, addMigrate, addStatus, addExplain, addTail, addSimulate]) {
  add(program, terminal, exit);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof TidegateError) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(
      `tidegate: a fault of Tidegate itself, please report it:\n${String((error as Error).stack)}\n`,
    );
    process.exitCode = 1;
  }
}
// Handles that a library left open must not keep a finished command alive.
process.stdout.write('', () => process.exit());
