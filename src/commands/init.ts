import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { decodeLimits } from '../app-options.ts';
import { loadConfig } from '../config/load.ts';
import { readDuration } from '../config/units.ts';
import { Survey } from '../decode/survey.ts';
import { TidegateError } from '../errors.ts';
import { maskUrl } from '../mask.ts';
import { databaseOptional } from './database-optional.ts';
import { initYaml } from './init-config.ts';
import { describeSurvey } from './init-report.ts';
import { checkFilter, lookOn } from './onlooker.ts';
import { wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface InitOptions {
  readonly url?: string;
  readonly for: number;
  readonly count?: number;
  readonly filter: readonly string[];
  readonly output: string;
  readonly force?: boolean;
}

/** Milliseconds in which the broker has to answer. */
const PATIENCE = 10_000;

export function addInit(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('init')
    .description('Listen to the broker, recognise what devices publish, and write a configuration for it.')
    .option('-u, --url <url>', 'the broker; default: TIDEGATE_MQTT_URL, else mqtt://localhost:1883')
    .addOption(
      new Option('--for <duration>', 'how long to listen').argParser(duration).default(60_000, '60s'),
    )
    .option('--count <number>', 'listen no longer than for so many messages', wholeNumber(1))
    .option('--filter <filter...>', 'what to listen to, MQTT filters', ['#'])
    .option('-o, --output <file>', 'where to write the configuration', 'tidegate.yaml')
    .option('--force', 'write also where the file is there already')
    .addHelpText(
      'after',
      `
It prints what each recognised kind of device publishes as the points that it becomes, and what it did not recognise with
a route that would take it; such routes are in the file, commented out. It listens in a clean session of its own at QoS 0,
retained messages included, and publishes nothing. SIGINT ends the listening early. Topics that begin with $ are heard only
by a filter of their own: --filter '#' '$aws/things/+/shadow/update'.
Of a broker that wants them: the user and the password in the URL, percent-encoded; the file, which only you can read,
has --url as you gave it.
Exit code 0: written. 1: nothing was heard, or the broker cannot be reached or would not do. 2: bad usage.`,
    )
    .action(async (options: InitOptions) => exit(await init(terminal, options)));
}

async function init(terminal: Terminal, options: InitOptions): Promise<ExitCode> {
  const { url, output, force } = options;
  options.filter.forEach(checkFilter);
  if (force !== true && existsSync(output)) {
    throw new TidegateError(
      'usage',
      `${output} is there already; name another with --output, or say --force`,
    );
  }
  // Told before a minute of listening, not after it.
  if (!existsSync(dirname(output)))
    throw new TidegateError('usage', `--output ${output}: there is no folder ${dirname(output)}`);
  const config = loadConfig({ env: databaseOptional(terminal.env) });
  const [listenedTo = ''] = (url === undefined ? config.mqtt.urls : [url]).map(maskUrl);
  const survey = new Survey(decodeLimits(config));
  print(terminal.stderr, `Listening to ${listenedTo} for ${options.for / 1_000} s ...`);
  const at = new Date();
  let left = options.count ?? Number.POSITIVE_INFINITY;
  await lookOn(
    terminal,
    config,
    {
      purpose: 'init',
      url,
      filters: options.filter,
      retained: 'store',
      patience: PATIENCE,
      lasting: options.for,
    },
    (message) => {
      survey.add(message);
      return --left > 0;
    },
  );
  const report = survey.report();
  print(terminal.stdout, describeSurvey(report));
  if (report.messages === 0) return 1;
  const facts = {
    url: url ?? null,
    listenedTo,
    seconds: Math.round((Date.now() - at.getTime()) / 1_000),
    at,
    hasDatabase: Boolean(terminal.env['TIDEGATE_DATABASE_URL']),
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  write(output, initYaml(report, facts), force === true);
  print(terminal.stdout, `\nWritten: ${output}. Next: tidegate check --config ${output}`);
  return 0;
}

/** It may hold a password. */
function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx', mode: 0o600 });
  } catch (error) {
    throw new TidegateError('usage', `--output ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function duration(text: string): number {
  const milliseconds = readDuration(text);
  if (milliseconds !== undefined && milliseconds >= 1 && milliseconds <= 86_400_000) return milliseconds;
  throw new InvalidArgumentError('Allowed: a duration such as 10s, 2min or 1h, at most a day.');
}
