import { Command, CommanderError } from 'commander';
import { TidegateError } from '../errors.ts';
import { describeFailure, type ExitCode, print, type Terminal } from './terminal.ts';

type Add = (program: Command, terminal: Terminal, exit: (code: ExitCode) => void) => void;

/** By name, in the order of --help. Each is loaded when it is named: all of them take a small machine seconds. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  init: async () => (await import('./init.ts')).addInit,
  run: async () => (await import('./run.ts')).addRun,
  demo: async () => (await import('./demo.ts')).addDemo,
  check: async () => (await import('./check.ts')).addCheck,
  migrate: async () => (await import('./migrate.ts')).addMigrate,
  status: async () => (await import('./status.ts')).addStatus,
  chunks: async () => (await import('./chunks.ts')).addChunks,
  devices: async () => (await import('./devices.ts')).addDevices,
  'dead-letters': async () => (await import('./dead-letters.ts')).addDeadLetters,
  import: async () => (await import('./import.ts')).addImport,
  export: async () => (await import('./export.ts')).addExport,
  views: async () => (await import('./views.ts')).addViews,
  explain: async () => (await import('./explain.ts')).addExplain,
  tail: async () => (await import('./tail.ts')).addTail,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  drill: async () => (await import('./drill.ts')).addDrill,
  simulate: async () => (await import('./simulate.ts')).addSimulate,
  jobs: async () => (await import('./jobs.ts')).addJobs,
  presets: async () => (await import('./presets.ts')).addPresets,
  token: async () => (await import('./token.ts')).addToken,
  'install-service': async () => (await import('./install-service.ts')).addInstallService,
  worker: async () => (await import('./worker.ts')).addWorker,
};

const ALIASES: Readonly<Record<string, string>> = { test: 'explain' };

/** Runs the command that `argv` names (as `process.argv` is); resolves to the exit code: 2 is bad usage or configuration. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<ExitCode | 2> {
  let exitCode: ExitCode = 0;
  const program = await define(named(argv[2] ?? ''), terminal, (code) => {
    exitCode = code;
  });
  terminal.onLoaded?.();
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

/** Every command with its options, to be described, not to be run. */
export async function allCommands(terminal: Terminal): Promise<Command> {
  return await define(Object.values(COMMANDS), terminal, () => {});
}

async function define(
  commands: readonly (() => Promise<Add>)[],
  terminal: Terminal,
  exit: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command('tidegate')
    .description('Writes what devices publish on MQTT into PostgreSQL, exactly once.')
    .version(terminal.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: true });
  for (const load of commands) (await load())(program, terminal, exit);
  return program;
}

/** The command, or all of them where the word names none: then it is help that is wanted, or needed. */
function named(word: string): (() => Promise<Add>)[] {
  if (word === '--version' || word === '-V') return [];
  const name = ALIASES[word] ?? word;
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return load === undefined ? Object.values(COMMANDS) : [load];
}
