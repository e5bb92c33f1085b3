import { PassThrough, Readable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { describeFailure, type ExitCode, type Terminal } from '../../../src/commands/terminal.ts';
import { TidegateError } from '../../../src/errors.ts';
import { programFile } from '../../support/program.ts';

type Add = (program: Command, terminal: Terminal, exit: (code: ExitCode) => void) => void;

/** A command that runs in this process, as `src/main.ts` runs it. */
export interface CommandRun {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves to the exit code. */
  readonly ended: Promise<number>;
  /** Resolves as soon as the standard output matches; rejects where the command ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** As SIGTERM does. */
  stop(): void;
  /** As if the reader at the other end of the pipe had gone; or for `error`, a disk that is full. */
  closeOutput(error?: Error): void;
}

export function runCommand(
  add: Add,
  args: readonly string[],
  {
    env = {},
    isTerminal = false,
    input = '',
  }: { env?: Record<string, string>; isTerminal?: boolean; input?: string } = {},
): CommandRun {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stopped = new AbortController();
  const killed = new AbortController();
  let printed = '';
  let complained = '';
  let look = (): void => {};
  stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    look();
  });
  stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  const program = new Command('tidegate').exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
  });
  let code = 0;
  add(
    program,
    {
      env,
      stdin: Readable.from([input]),
      stdout,
      stderr,
      isTerminal,
      stopped: stopped.signal,
      killed: killed.signal,
      onHangup: () => {},
      monotonic: () => 0n,
      program: [process.execPath, programFile('main')],
      version: '0.0.0-test',
    },
    (exit) => {
      code = exit;
    },
  );
  const ended = program
    .parseAsync(args, { from: 'user' })
    .then(() => code)
    .catch((error: unknown) => {
      if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
      if (!(error instanceof TidegateError)) throw error;
      stderr.write(`${describeFailure(error)}\n`);
      return error.exitCode;
    });
  return {
    stdout: () => printed,
    stderr: () => complained,
    ended,
    printed: async (pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      look = () => {
        const match = pattern.exec(printed);
        if (match !== null) resolve(match);
      };
      look();
      const over = ended.then((exit) => reject(new Error(`ended with ${exit}: ${printed}${complained}`)));
      over.catch(reject);
      return promise;
    },
    stop: () => stopped.abort(),
    closeOutput: (error) => stdout.destroy(error),
  };
}
