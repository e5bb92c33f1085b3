import type { Command } from 'commander';
import { Demo } from '../demo/demo.ts';
import { LiveLine } from '../demo/live-line.ts';
import type { DemoAddresses } from '../demo/notice.ts';
import { StatusLine } from '../demo/status-line.ts';
import { createLogger } from '../telemetry/log.ts';
import { describeStats } from './balance-sheet.ts';
import { queryDemo } from './demo-query.ts';
import { port, rate, wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface DemoFlags {
  readonly data: string;
  readonly devices: number;
  readonly rate?: number;
  readonly mqttPort: number;
  readonly databasePort: number;
  readonly httpPort: number;
  readonly mqttUrl?: string;
  readonly databaseUrl?: string;
  readonly duration?: number;
}

const DATA_FOLDER = './tidegate-data';
const DEFAULT_RATE = 200;
/** Milliseconds between two live lines: refreshed in place, and each on a line of its own. */
const REFRESH = 1_000;
const REPORT = 5_000;

export function addDemo(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  const demo = program
    .command('demo')
    .description(
      'Run everything at once with nothing to install: PostgreSQL, a broker, the daemon and devices.',
    )
    .option('--data <folder>', 'where PostgreSQL keeps its data; the next run goes on with it', DATA_FOLDER)
    .option('--devices <number>', 'simulated devices', wholeNumber(1, 1_000_000), 20)
    .option(
      '--rate <number>',
      `messages a second of all of them; 0: none (default: ${DEFAULT_RATE}, or 0 with --mqtt-url)`,
      rate,
    )
    .option('--mqtt-port <port>', 'the port of the broker, or the next free one', port, 1883)
    .option('--database-port <port>', 'the port of PostgreSQL, or the next free one', port, 54_320)
    .option('--http-port <port>', 'the port of HTTP, or the next free one', port, 8001)
    .option('--mqtt-url <url>', 'a broker of your own instead of the embedded one')
    .option('--database-url <url>', 'a PostgreSQL of your own instead of the embedded one')
    .option('--duration <seconds>', 'stop by itself after so long', wholeNumber(1, 86_400))
    .addHelpText(
      'after',
      `
Everything listens on 127.0.0.1 only. The configuration is the default one; neither a file nor TIDEGATE_ variables are
read. The embedded broker speaks MQTT 3.1.1 and keeps its sessions in memory: before it stops, all that it took is
written. The first SIGINT or SIGTERM stops in that order, a second one does not wait.
Exit code 0: all that was received is written. 1: failed, or not all was written. 2: bad usage.`,
    )
    .action(async (flags: DemoFlags) => exit(await runDemo(terminal, flags)));
  demo
    .command('query')
    .description('Ask the database of the running demo, and print the answer as a table.')
    .argument('<sql>', 'such as "SELECT * FROM iot_latest"')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', `\nFor a demo on another data folder than ${DATA_FOLDER}, with its --data.`)
    .action(async (sql: string) => {
      print(terminal.stdout, await queryDemo(demo.opts<DemoFlags>().data, sql));
    });
}

async function runDemo(terminal: Terminal, flags: DemoFlags): Promise<ExitCode> {
  const { stdout, isTerminal } = terminal;
  const statusLine = new StatusLine(stdout, isTerminal);
  const messages = flags.rate ?? (flags.mqttUrl === undefined ? DEFAULT_RATE : 0);
  const demo = new Demo({
    dataFolder: flags.data,
    brokerPort: flags.mqttPort,
    databasePort: flags.databasePort,
    httpPort: flags.httpPort,
    brokerUrl: flags.mqttUrl ?? null,
    databaseUrl: flags.databaseUrl ?? null,
    devices: flags.devices,
    rate: messages,
    version: terminal.version,
    // Warnings only, so that the live line stays readable.
    logger: createLogger({
      level: 'warn',
      format: 'pretty',
      stream: statusLine.above(terminal.stderr),
      isTerminal,
      journal: false,
    }),
  });
  print(stdout, 'Starting PostgreSQL, the broker and Tidegate ...');
  try {
    await demo.start(terminal.stopped);
  } catch (error) {
    if (terminal.stopped.aborted) return 0;
    throw error;
  }
  const { addresses } = demo;
  if (addresses !== null) print(stdout, greeting(addresses, demo.dataFolder, messages, flags, terminal));
  await watch(demo, statusLine, terminal, flags.duration);
  print(stdout, 'Stopping: writing what is in hand ...');
  const patience = AbortSignal.any([AbortSignal.timeout(demo.shutdownTimeout), terminal.killed]);
  const drained = await demo.stop(patience);
  if (demo.pipeline !== null) print(stdout, describeStats(demo.pipeline.stats).join('\n'));
  print(stdout, drained ? 'Stopped: everything is written.' : 'Stopped before everything was written.');
  return drained ? 0 : 1;
}

/** Shows the live line until it is time to stop. Rejects, after stopping all, where the daemon cannot go on. */
async function watch(
  demo: Demo,
  statusLine: StatusLine,
  terminal: Terminal,
  duration?: number,
): Promise<void> {
  const live = new LiveLine();
  const show = (): void => {
    if (demo.pipeline !== null) statusLine.show(live.describe(demo.pipeline, Date.now() * 1_000));
  };
  // The first look is what the rates of the next one start from.
  if (demo.pipeline !== null) live.describe(demo.pipeline, Date.now() * 1_000);
  const timer = setInterval(show, terminal.isTerminal ? REFRESH : REPORT);
  const limit = duration === undefined ? [] : [AbortSignal.timeout(duration * 1_000)];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const end = AbortSignal.any([terminal.stopped, ...limit]);
  end.addEventListener('abort', () => resolve(), { once: true });
  if (end.aborted) resolve();
  try {
    await Promise.race([demo.failure, over]);
  } catch (error) {
    await demo.stop(AbortSignal.timeout(demo.shutdownTimeout));
    throw error;
  } finally {
    clearInterval(timer);
    statusLine.clear();
  }
}

function greeting(
  { broker, database, http }: DemoAddresses,
  dataFolder: string | null,
  messages: number,
  flags: DemoFlags,
  { env }: Terminal,
): string {
  const command = env['npm_lifecycle_event'] === 'demo' ? 'npm run tidegate --' : 'tidegate';
  const data = flags.data === DATA_FOLDER ? '' : ` --data ${quoted(flags.data)}`;
  const { hostname, port: brokerPort } = new URL(broker);
  const query = `"SELECT * FROM iot_data WHERE device_id = 'my-device'"`;
  return `
Tidegate runs.
  broker    ${broker}${flags.mqttUrl === undefined ? ' (MQTT 3.1.1)' : ''}
  database  ${database}
  HTTP      ${http}
  data      ${dataFolder === null ? 'in your database' : `${dataFolder} (kept: the next run goes on with it)`}
  devices   ${messages === 0 ? 'none simulated' : `${flags.devices} simulated, ${messages} messages a second`}

Publish a message of your own, with mosquitto's client or with nothing installed:
  mosquitto_pub -h ${hostname} -p ${brokerPort || '1883'} -q 1 -t devices/my-device/temperature -m 21.5
  ${command} simulate --url ${quoted(broker)} --topic devices/my-device/temperature --payload 21.5

Query it, with psql or with nothing installed, and see what became of every message:
  psql ${quoted(database)} -c ${query}
  ${command} demo query${data} ${query}
  curl ${http}/api/stats/ingest
  ${command} status --url ${http}

Stop with Ctrl-C.
`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w.:/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
