import { type ChildProcess, spawn } from 'node:child_process';
import type { Command } from 'commander';
import { App } from '../app.ts';
import { rereading } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { workerConfig } from '../workers/identity.ts';
import { firstOrder, Worker } from '../workers/worker.ts';
import { progressOf } from './run-supervision.ts';
import type { ExitCode, Terminal } from './terminal.ts';

/** Not in --help: `tidegate run` alone starts it. */
export function addWorker(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('worker', { hidden: true })
    .description('A worker of `tidegate run`, which starts it where ingest.workers is more than 1.')
    .option('-c, --config <file>', 'the configuration file of the daemon')
    .action(async ({ config }: { config?: string }) => exit(await work(terminal, config)));
}

/** Starts this program as a worker of this process: its log is ours, and it speaks to no service manager. */
export function startWorker({ program, env }: Terminal, file: string | undefined): ChildProcess {
  const [command, ...args] = program;
  const { NOTIFY_SOCKET: _socket, WATCHDOG_USEC: _usec, WATCHDOG_PID: _pid, ...rest } = env;
  const config = file === undefined ? [] : ['--config', file];
  return spawn(command, [...args, 'worker', ...config], {
    env: rest,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Numbers that JSON has not, and Maps.
    serialization: 'advanced',
  });
}

async function work(terminal: Terminal, file: string | undefined): Promise<ExitCode> {
  const { parent: channel, env, version } = terminal;
  if (channel === undefined)
    throw new TidegateError('usage', 'worker: only `tidegate run` starts it, where ingest.workers says so');
  // It is the daemon that passes a reload on.
  terminal.onHangup(() => {});
  const order = await firstOrder(channel);
  if (order === null) return 1;
  const { number, config: daemon } = order;
  const config = workerConfig(daemon, number);
  const log = createLogger({
    level: config.log.level,
    format: config.log.format,
    stream: terminal.stdout,
    isTerminal: terminal.isTerminal,
    journal: env['JOURNAL_STREAM'] !== undefined,
  });
  const logger = log.child({ worker: number });
  const progress = progressOf(config);
  const reread = rereading({ file, env });
  const app = new App({
    config,
    reread: () => workerConfig(reread(), number),
    logger,
    version,
    observer: progress.observer,
    worksFor: daemon.mqtt.client_id,
  });
  const worker = new Worker({
    channel,
    logger,
    stopped: terminal.stopped,
    killed: terminal.killed,
    duty: {
      start: () => app.start(),
      failure: app.failure,
      stop: (signal) => app.stop(signal),
      reload: async () => {
        logger.level = (await app.reload()).log.level;
      },
      report: () => ({
        readiness: app.ready(),
        pipeline: app.pipeline,
        hung: app.pipeline && progress.hung(app.pipeline),
        heard: app.heard(),
      }),
      metrics: () => app.metrics(),
    },
  });
  return (await worker.live()) ? 0 : 1;
}
