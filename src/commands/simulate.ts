import { randomBytes } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_METRICS, SHAPES, type Shape } from '../demo/simulator.ts';
import { sendTraffic } from '../demo/traffic.ts';
import { TidegateError } from '../errors.ts';
import { maskUrl } from '../mask.ts';
import { Publisher } from '../mqtt/publisher.ts';
import { createLogger } from '../telemetry/log.ts';
import { rate, wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface SimulateOptions {
  readonly url?: string;
  readonly devices: number;
  readonly rate: number;
  readonly count?: number;
  readonly metrics: readonly string[];
  readonly qos: '0' | '1';
  readonly shape: Shape;
  readonly seed: number;
  readonly topic?: string;
  readonly payload?: string;
}

const DEFAULT_URL = 'mqtt://localhost:1883';
/** Enough to keep a broker busy, few enough to hold in memory. */
const MAX_IN_FLIGHT = 500;
/** How long the last messages may take to be acknowledged. */
const SETTLE_MS = 10_000;

export function addSimulate(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('simulate')
    .description('Publish what simulated devices measure, or one message of your own, to a broker.')
    .option('-u, --url <url>', `the broker; default: TIDEGATE_MQTT_URL, else ${DEFAULT_URL}`)
    .option('--devices <number>', 'simulated devices, named sim-01 and so on', wholeNumber(1, 1_000_000), 20)
    .option('--rate <number>', 'messages a second of all devices; 0: as many as the broker takes', rate, 200)
    .option('--count <number>', 'stop after so many messages; default: at SIGINT or SIGTERM', wholeNumber(1))
    .option('--metrics <names>', 'what they measure, comma-separated', metricNames, [...DEFAULT_METRICS])
    .addOption(new Option('--qos <level>', 'quality of service').choices(['0', '1']).default('1'))
    .addOption(
      new Option('--shape <shape>', 'how a message looks, see below').choices(SHAPES).default('message'),
    )
    .option('--seed <number>', 'the same number gives the same devices', wholeNumber(0), 1)
    .option('-t, --topic <topic>', 'publish one message to this topic instead, with --payload')
    .option('-p, --payload <text>', 'the payload of that message')
    .addHelpText(
      'after',
      `
Shapes:
  value    devices/<id>/<metric>  21.53
  message  devices/<id>/<metric>  {"value":21.53,"timestamp":"2026-01-31T12:00:00.000000Z"}
  object   devices/<id>           {"temperature":21.53,"humidity":54.2,"timestamp":"2026-01-31T12:00:00.000000Z"}
Metrics: temperature, humidity and pressure follow the day, energy is a counter, switch is ON or OFF, status is a text
now and then; a metric of any other name is a number that follows the day.

It speaks MQTT 3.1.1. A user and a password stand in the URL, percent-encoded; mqtts://, ws:// and wss:// work too (an
authority of your own: NODE_EXTRA_CA_CERTS). At QoS 1 at most ${MAX_IN_FLIGHT} messages wait for their acknowledgement.
Exit code 0: all were published (at QoS 1: acknowledged). 1: failed. 2: bad usage.

Examples: tidegate simulate --devices 100 --rate 1000
          tidegate simulate --topic devices/my-device/temperature --payload 21.5`,
    )
    .action(async (options: SimulateOptions) => exit(await simulate(terminal, options)));
}

async function simulate(terminal: Terminal, options: SimulateOptions): Promise<ExitCode> {
  const { topic, payload } = options;
  if ((topic === undefined) !== (payload === undefined)) {
    throw new TidegateError('usage', '--topic and --payload belong together');
  }
  if (topic !== undefined && (topic === '' || /[+#\0]/.test(topic))) {
    throw new TidegateError(
      'usage',
      `--topic ${JSON.stringify(topic)}: a topic to publish to has no + and no #`,
    );
  }
  const url = options.url ?? (terminal.env['TIDEGATE_MQTT_URL'] || DEFAULT_URL);
  const publisher = new Publisher({
    url,
    clientId: `tidegate-simulate-${randomBytes(4).toString('hex')}`,
    qos: options.qos === '0' ? 0 : 1,
    maxInFlight: MAX_IN_FLIGHT,
    logger: createLogger({
      level: 'warn',
      format: 'pretty',
      stream: terminal.stderr,
      isTerminal: terminal.isTerminal,
      journal: false,
    }),
  });
  await publisher.connect(terminal.stopped);
  try {
    const started = performance.now();
    const sent = await publishAll(publisher, options, terminal.stopped);
    const settled = await publisher.settle(
      AbortSignal.any([AbortSignal.timeout(SETTLE_MS), terminal.killed]),
    );
    const seconds = (performance.now() - started) / 1_000;
    print(terminal.stdout, summary(sent, publisher.inFlight, seconds, maskUrl(url), options));
    return settled ? 0 : 1;
  } finally {
    await publisher.close();
  }
}

async function publishAll(
  publisher: Publisher,
  options: SimulateOptions,
  signal: AbortSignal,
): Promise<number> {
  const { topic, payload } = options;
  if (topic !== undefined && payload !== undefined) {
    await publisher.publish(topic, payload, signal);
    return 1;
  }
  return sendTraffic(
    {
      ...options,
      count: options.count ?? Number.POSITIVE_INFINITY,
      publish: (message) => publisher.publish(message.topic, message.payload, signal),
    },
    signal,
  );
}

function summary(sent: number, open: number, seconds: number, url: string, options: SimulateOptions): string {
  const messages = `${sent} ${sent === 1 ? 'message' : 'messages'}`;
  const pace =
    options.topic === undefined ? ` in ${seconds.toFixed(1)} s (${Math.round(sent / seconds)}/s)` : '';
  const rest = open === 0 ? '' : `; ${open} of them are not acknowledged`;
  return `Published ${messages} at QoS ${options.qos} to ${url}${pace}${rest}.`;
}

function metricNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '' && !/[/+#\0]/.test(name)) && new Set(names).size === names.length)
    return names;
  throw new InvalidArgumentError('Allowed: names without /, + and #, comma-separated, each once.');
}
