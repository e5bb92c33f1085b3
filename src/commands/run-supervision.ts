import type { App } from '../app.ts';
import { pipelineOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import type { Logger } from '../pipeline/types.ts';
import { Supervision } from '../supervision.ts';
import { Notifier, notifyEnvironment } from '../systemd/notifier.ts';
import { Progress } from '../systemd/progress.ts';
import type { Terminal } from './terminal.ts';

/** Of the pipeline of `config`. */
export function progressOf(config: Config): Progress {
  const limits = {
    gathering: pipelineOptions(config).batch.maxWait,
    statement: config.database.statement_timeout,
  };
  return new Progress(limits, () => performance.now());
}

/** Null where no service manager started us. */
export function superviseFor(
  terminal: Terminal,
  app: App,
  progress: Progress,
  logger: Logger,
): Supervision | null {
  const environment = notifyEnvironment(terminal.env);
  if (environment === null) return null;
  return new Supervision({
    notifier: new Notifier(environment, logger),
    watchdogMs: environment.watchdogMs,
    logger,
    ready: () => app.ready(),
    pipeline: () => app.pipeline,
    hung: () => app.pipeline && progress.hung(app.pipeline),
    monotonic: terminal.monotonic,
  });
}
