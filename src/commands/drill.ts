import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { describeCertificate, passes } from '../drill/certificate.ts';
import { Drill } from '../drill/drill.ts';
import { TidegateError } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface DrillCommandOptions {
  readonly config?: string;
  readonly messages: number;
  readonly rate: number;
  readonly kills: number;
  readonly restartDatabase?: string;
  readonly databaseRestarts: number;
  readonly topic?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

export function addDrill(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('drill')
    .description(
      'Kill a daemon again and again on your own broker and database, and certify that nothing is lost.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option(
      '--messages <number>',
      'messages to publish, half of them without a time',
      wholeNumber(100, 10_000_000),
      10_000,
    )
    .option('--rate <number>', 'messages a second', wholeNumber(1, 100_000), 500)
    .option(
      '--kills <number>',
      'how often the daemon is killed (SIGKILL), at random moments',
      wholeNumber(0, 1_000),
      5,
    )
    .option('--restart-database <command>', 'also restart PostgreSQL by this command of the shell')
    .option('--database-restarts <number>', 'how often', wholeNumber(1, 100), 1)
    .option('--topic <prefix>', 'where to publish; default: tidegate/drill/<random>')
    .option('--seed <number>', 'repeats the moments of another drill', wholeNumber(0, 2 ** 32 - 1))
    .option('--json', 'print the certificate as JSON')
    .addHelpText(
      'after',
      `
Nothing of yours is touched: the daemon of the drill has a schema (tidegate_drill_<random>), a session at the broker
(tidegate-drill-<random>) and topics of its own, which are removed at the end, after SIGINT too. The role of
database.migrate_url, or else of database.url, must be allowed to create a schema; the broker's user, to read and write the topics.
A running daemon goes on, and feels the load; a restart of the database is felt by everybody who uses it.
Exit code 0: lost 0, duplicates 0. 1: not so, or it could not be carried through. 2: bad usage or configuration.

Example: tidegate drill --config tidegate.yaml --kills 20 --restart-database 'systemctl restart postgresql'`,
    )
    .action(async (options: DrillCommandOptions) => exit(await drill(terminal, options)));
}

async function drill(terminal: Terminal, options: DrillCommandOptions): Promise<ExitCode> {
  const { topic, restartDatabase } = options;
  if (topic !== undefined && (topic === '' || /[+#\0]|^\$|\/$/.test(topic))) {
    throw new TidegateError(
      'usage',
      `--topic ${JSON.stringify(topic)}: a prefix has no +, no # and no / at its end`,
    );
  }
  const { messages, rate, kills, databaseRestarts } = options;
  const run = new Drill(
    {
      config: loadConfig({ file: options.config, env: terminal.env }),
      program: terminal.program,
      env: terminal.env,
      version: terminal.version,
      messages,
      rate,
      kills,
      databaseRestarts,
      restartDatabase: restartDatabase ?? null,
      topic: topic ?? null,
      seed: options.seed ?? randomInt(2 ** 32),
      logger: createLogger({
        level: 'warn',
        format: 'pretty',
        stream: terminal.stderr,
        isTerminal: terminal.isTerminal,
        journal: false,
      }),
      onProgress: (text) => print(terminal.stderr, text),
    },
    terminal.stopped,
  );
  const certificate = await run.run();
  const text = options.json === true ? JSON.stringify(certificate) : describeCertificate(certificate);
  print(terminal.stdout, text);
  return passes(certificate) ? 0 : 1;
}
