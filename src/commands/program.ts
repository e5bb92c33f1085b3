import { Command, CommanderError } from 'commander';
import { TidegateError } from '../errors.ts';
import { addCheck } from './check.ts';
import { addChunks } from './chunks.ts';
import { addDeadLetters } from './dead-letters.ts';
import { addDemo } from './demo.ts';
import { addDevices } from './devices.ts';
import { addDoctor } from './doctor.ts';
import { addDrill } from './drill.ts';
import { addExplain } from './explain.ts';
import { addJobs } from './jobs.ts';
import { addMigrate } from './migrate.ts';
import { addRun } from './run.ts';
import { addSimulate } from './simulate.ts';
import { addStatus } from './status.ts';
import { addTail } from './tail.ts';
import { addToken } from './token.ts';
import { describeFailure, type ExitCode, print, type Terminal } from './terminal.ts';

const COMMANDS = [
  addRun,
  addDemo,
  addCheck,
  addMigrate,
  addStatus,
  addChunks,
  addDevices,
  addDeadLetters,
  addExplain,
  addTail,
  addDoctor,
  addDrill,
  addSimulate,
  addJobs,
  addToken,
];

/** Runs the command that `argv` names (as `process.argv` is); resolves to the exit code: 2 is bad usage or configuration. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<ExitCode | 2> {
  let exitCode: ExitCode = 0;
  const program = new Command('tidegate')
    .description('Writes what devices publish on MQTT into PostgreSQL, exactly once.')
    .version(terminal.version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  for (const add of COMMANDS) {
    add(program, terminal, (code) => {
      exitCode = code;
    });
  }
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof TidegateError) {
      print(terminal.stderr, describeFailure(error));
      return error.exitCode;
    }
    const { stack } = error as Error;
    print(terminal.stderr, `tidegate: a fault of Tidegate itself, please report it:\n${String(stack)}`);
    return 1;
  }
}
