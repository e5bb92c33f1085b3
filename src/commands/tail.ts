import { appendFileSync, closeSync, openSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { topicFilter } from '../config/topic.ts';
import { TidegateError } from '../errors.ts';
import { Explainer } from '../explainer.ts';
import { captureLine } from './capture.ts';
import { databaseOptional } from './database-optional.ts';
import { checkFilter, lookOn } from './onlooker.ts';
import { wholeNumber } from './option-values.ts';
import { tailJson, tailLines } from './tail-line.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface TailOptions {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly count?: number;
  readonly capture?: string;
}

export function addTail(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('tail')
    .description('Show what devices publish as the points that the routes make of it, line by line.')
    .argument('[filter]', 'an MQTT filter such as devices/+/temperature; default: those of the routes')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('-u, --url <url>', 'the broker instead of mqtt.url')
    .option('--json', 'print a JSON object a line, with times in UTC')
    .option('--count <number>', 'stop after so many lines', wholeNumber(1))
    .option('--capture <file>', 'also append the messages to this file, for `tidegate explain --messages`')
    .addHelpText(
      'after',
      `
A line is a point (local time, device, metric, value) or the reason of a dead letter, with its topic.
It subscribes in a clean MQTT 3.1.1 session of its own at QoS 0 and outside of any share group: a running daemon loses
nothing by it, nothing is stored, and the database is not asked. A captured message is a JSON object a line: topic,
payload (base64), qos, retain and receivedAt.
Exit code 0: stopped by SIGINT, SIGTERM, --count or the end of the reader. 1: the broker would not do.
2: bad usage or configuration.`,
    )
    .action(async (filter: string | undefined, options: TailOptions) => {
      exit(await tail(terminal, filter, options));
    });
}

async function tail(terminal: Terminal, filter: string | undefined, options: TailOptions): Promise<ExitCode> {
  if (filter !== undefined) checkFilter(filter);
  const config = loadConfig({ file: options.config, env: databaseOptional(terminal.env) });
  const explainer = new Explainer(config);
  const filters = filter === undefined ? config.routes.map(({ topic }) => topicFilter(topic)) : [filter];
  const color = terminal.isTerminal && !terminal.env['NO_COLOR'];
  let left = options.count ?? Number.POSITIVE_INFINITY;
  const capture = options.capture === undefined ? null : openCapture(options.capture);
  try {
    await lookOn(terminal, config, { purpose: 'tail', url: options.url, filters }, (delivery) => {
      const { topic, payload, receivedAt } = delivery;
      // At once: a disk that is slower than the broker holds the broker up, not the memory.
      if (capture !== null) appendFileSync(capture, `${captureLine(delivery)}\n`);
      const explanation = explainer.explain(topic, payload, receivedAt);
      const lines =
        options.json === true
          ? tailJson(topic, explanation)
          : tailLines(topic, explanation, receivedAt, color);
      for (const line of lines.slice(0, left)) print(terminal.stdout, line);
      left -= lines.length;
      return left > 0;
    });
  } finally {
    if (capture !== null) closeSync(capture);
  }
  return 0;
}

function openCapture(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (error) {
    throw new TidegateError('usage', `--capture ${file}: ${(error as Error).message}`, { cause: error });
  }
}
