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
  terminal: Pick<Terminal, 'env' | 'monotonic'>,
  app: Pick<App, 'ready' | 'pipeline' | 'ownPipeline' | 'hungWorker'>,
  progress: Pick<Progress, 'hung'>,
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
    hung: () => (app.ownPipeline && progress.hung(app.ownPipeline)) ?? app.hungWorker,
    monotonic: terminal.monotonic,
  });
}
