import type { Command } from 'commander';
import { App } from '../app.ts';
import { type Config, rereading } from '../config/load.ts';
import { RECEIVING } from '../readiness.ts';
import type { Supervision } from '../supervision.ts';
import { createLogger } from '../telemetry/log.ts';
import { progressOf, superviseFor } from './run-supervision.ts';
import { Reloads } from './reloads.ts';
import { startWorker } from './worker.ts';
import type { ExitCode, Terminal } from './terminal.ts';

export function addRun(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('run')
    .description('Run the daemon: receive, decode and store until SIGTERM or SIGINT.')
    .option(
      '-c, --config <file>',
      'the configuration file (YAML); every key also has an environment variable',
    )
    .addHelpText(
      'after',
      `
The first SIGTERM or SIGINT stops receiving, writes and acknowledges what is in hand, and leaves (within
shutdown_timeout); a second one leaves at once: what was not acknowledged comes again from the broker.
SIGHUP reads the configuration again: routes, policies, tokens, certificates, passwords and the log's level take effect
without a stop; the log names what needs one. A file with mistakes changes nothing.
Exit code 0: all was written. 1: failed, or not all was written. 2: bad usage or configuration.`,
    )
    .action(async ({ config }: { config?: string }) => exit(await run(terminal, config)));
}

/** Runs the daemon until it is told to stop. Rejects with a TidegateError where it cannot start or go on. */
async function run(terminal: Terminal, file: string | undefined): Promise<ExitCode> {
  const reread = rereading({ file, env: terminal.env });
  const config = reread();
  const logger = createLogger({
    level: config.log.level,
    format: config.log.format,
    stream: terminal.stdout,
    isTerminal: terminal.isTerminal,
    journal: terminal.env['JOURNAL_STREAM'] !== undefined,
  });
  const progress = progressOf(config);
  const { version } = terminal;
  const spawnWorker = () => startWorker(terminal, file);
  const app = new App({ config, reread, logger, version, observer: progress.observer, spawnWorker });
  const supervision = superviseFor(terminal, app, progress, logger);
  supervision?.start();
  try {
    return await serve({ app, config, logger, supervision, terminal });
  } finally {
    supervision?.stop();
  }
}

interface Service {
  readonly app: App;
  readonly config: Config;
  readonly logger: ReturnType<typeof createLogger>;
  readonly supervision: Supervision | null;
  readonly terminal: Terminal;
}

/** From the start to the end. */
async function serve(service: Service): Promise<ExitCode> {
  const { app, config, logger, supervision, terminal } = service;
  const stopped = once(terminal.stopped);
  const reloads = new Reloads(service);
  terminal.onHangup(() => reloads.ask());
  const starting = app.start();
  if ((await Promise.race([starting, stopped])) === 'stopped') {
    logger.info({}, 'Stopping');
    starting.catch(() => {});
    return await stop(service);
  }
  const ingests = config.components.includes('ingest');
  logger.info(
    { version: terminal.version, components: config.components },
    ingests ? RECEIVING : 'Tidegate runs',
  );
  void supervision?.ready();
  reloads.begin();
  try {
    await Promise.race([app.failure, stopped]);
  } catch (error) {
    // What is in hand can still be worth writing: a broker that refuses us does not keep PostgreSQL from it.
    await stop(service);
    throw error;
  }
  logger.info({ shutdown_timeout_ms: config.shutdown_timeout }, 'Stopping: writing what is in hand');
  const code = await stop(service);
  if (code === 0) logger.info({}, 'Stopped: everything is written and acknowledged');
  else logger.error({}, 'Stopped before everything was written; the broker keeps what was not acknowledged');
  return code;
}

/** Milliseconds beside the draining: farewells to broker, database and clients. */
const FAREWELLS = 15_000;

async function stop({ app, config, supervision, terminal }: Service): Promise<ExitCode> {
  const { shutdown_timeout: timeout } = config;
  const told = supervision?.stopping(timeout + FAREWELLS);
  const drained = await app.stop(AbortSignal.any([AbortSignal.timeout(timeout), terminal.killed]));
  await told;
  return drained ? 0 : 1;
}

async function once(signal: AbortSignal): Promise<'stopped'> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  return 'stopped';
}
