import type { Readable, Writable } from 'node:stream';
import { FAILURES, type TidegateError } from '../errors.ts';
import type { Channel } from '../workers/messages.ts';

/** All that a command sees of the process it runs in: `src/main.ts` alone touches `process`. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly isTerminal: boolean;
  /** Aborted by the first SIGINT or SIGTERM: finish what is begun. */
  readonly stopped: AbortSignal;
  /** Aborted by the second: leave at once. */
  readonly killed: AbortSignal;
  /** Has `act` called at every SIGHUP, which ends the process where nobody asked for this. */
  readonly onHangup: (act: () => void) => void;
  /** To be called once the command is loaded. Default: nothing is to be done then. */
  readonly onLoaded?: () => void;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly monotonic: () => bigint;
  /** How this process was started, up to its arguments: to start another of the same program. */
  readonly program: readonly [string, ...string[]];
  /** The process that started this one as its worker; absent where none did. */
  readonly parent?: Channel;
  /** Version of the package. */
  readonly version: string;
}

/** The exit code that a command comes to: 0 ok, 1 failed. Bad usage and configuration (2) are thrown. */
export type ExitCode = 0 | 1;

export function print(stream: Writable, text: string): void {
  stream.write(`${text}\n`);
}

/** One line that says what failed, where, and what to do; a list where the configuration has several mistakes. */
export function describeFailure(error: TidegateError): string {
  const { mend } = FAILURES[error.code];
  const several = error.message.includes('\n');
  return several
    ? `tidegate: ${error.code}:\n${error.message}\n${mend}`
    : `tidegate: ${error.code}: ${error.message}. ${mend}`;
}
