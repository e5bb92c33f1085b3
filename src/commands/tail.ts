import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { brokerOptions, decodeLimits, pipelineOptions } from '../app-options.ts';
import { loadConfig } from '../config/load.ts';
import { topicFilter, topicMistake } from '../config/topic.ts';
import { createDecoder } from '../decode/decoder.ts';
import { TidegateError } from '../errors.ts';
import { Subscriber } from '../mqtt/subscriber.ts';
import { refusalOf } from '../pipeline/admission.ts';
import { createLogger } from '../telemetry/log.ts';
import { databaseOptional } from './database-optional.ts';
import { wholeNumber } from './option-values.ts';
import { tailJson, tailLines } from './tail-line.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface TailOptions {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly count?: number;
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
    .addHelpText(
      'after',
      `
A line is a point (local time, device, metric, value) or the reason of a dead letter, with its topic.
It subscribes in a clean MQTT 3.1.1 session of its own at QoS 0 and outside of any share group: a running daemon loses
nothing by it, nothing is stored, and the database is not asked.
Exit code 0: stopped by SIGINT, SIGTERM, --count or the end of the reader. 1: the broker would not do.
2: bad usage or configuration.`,
    )
    .action(async (filter: string | undefined, options: TailOptions) => {
      exit(await tail(terminal, filter, options));
    });
}

async function tail(terminal: Terminal, filter: string | undefined, options: TailOptions): Promise<ExitCode> {
  const mistake = filter === undefined ? null : filterMistake(filter);
  if (mistake !== null) throw new TidegateError('usage', `the filter ${JSON.stringify(filter)} ${mistake}`);
  const config = loadConfig({ file: options.config, env: databaseOptional(terminal.env) });
  const decoder = createDecoder(config.routes, decodeLimits(config));
  const { admission } = pipelineOptions(config);
  const filters = filter === undefined ? decoder.filters().map((route) => route.filter) : [filter];
  const { promise: over, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const broker = brokerOptions(config);
  const subscriber = new Subscriber({
    ...broker,
    urls: options.url === undefined ? broker.urls : [options.url],
    clientId: `${broker.clientId}-tail-${randomBytes(4).toString('hex')}`,
    // Every broker speaks it, and looking on needs nothing of MQTT 5.
    protocolVersion: 4,
    keepSession: false,
    shareGroup: null,
    silenceTimeoutMs: null,
    filters: filters.map((wanted) => ({ filter: wanted, qos: 0 })),
    logger: createLogger({
      level: 'warn',
      format: 'pretty',
      stream: terminal.stderr,
      isTerminal: terminal.isTerminal,
      journal: false,
    }),
    observer: { dropped: () => {}, resent: () => {} },
    onFatal: fail,
  });
  const color = terminal.isTerminal && !terminal.env['NO_COLOR'];
  let left = options.count ?? Number.POSITIVE_INFINITY;
  if (terminal.stopped.aborted) end();
  terminal.stopped.addEventListener('abort', () => end(), { once: true });
  terminal.stdout.once('close', end);
  // A subscriber that is closed while starting rejects, and so does one that cannot start.
  const starting = subscriber.start(({ topic, payload, receivedAt }) => {
    const explanation = decoder.explain(topic, payload, receivedAt, (timestamp) =>
      refusalOf(timestamp, receivedAt, admission),
    );
    const lines =
      options.json === true ? tailJson(topic, explanation) : tailLines(topic, explanation, receivedAt, color);
    for (const line of lines.slice(0, left)) print(terminal.stdout, line);
    left -= lines.length;
    if (left <= 0) end();
  });
  starting.catch(fail);
  try {
    await over;
  } finally {
    terminal.stdout.off('close', end);
    await subscriber.close();
  }
  return 0;
}

/** Filters have no names for their levels. */
function filterMistake(filter: string): string | null {
  if (filter === '') return 'is empty';
  return topicFilter(filter) === filter ? topicMistake(filter) : 'has a named level: write + or #';
}
