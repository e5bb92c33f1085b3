import type { Command } from 'commander';
import { type Config, loadConfig } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import type { IngestStats } from '../pipeline/types.ts';
import { describeStats } from './balance-sheet.ts';
import { askDaemon, type DaemonAnswer } from './daemon-answer.ts';
import { databaseOptional } from './database-optional.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface StatusOptions {
  readonly config?: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

export function addStatus(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('status')
    .description(
      'Ask the running daemon over HTTP whether it is ready, and what became of every message and point.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML) of the daemon: says where it answers')
    .option('-u, --url <url>', 'where it answers; default: http.host and http.port of the configuration')
    .option(
      '--token <token>',
      'an HTTP token, where the daemon wants one; TIDEGATE_TOKEN hides it from other users',
    )
    .option('--json', 'print {url, ready, checks, stats, unprotected_routes} as JSON')
    .addHelpText(
      'after',
      `
With the configuration it also names the routes that subscribe at QoS 0: what is published to them while the daemon is
down is lost.
Exit code 0: ready. 1: not ready, or no daemon answers. 2: bad usage or configuration.`,
    )
    .action(async (options: StatusOptions) => exit(await status(terminal, options)));
}

async function status(terminal: Terminal, options: StatusOptions): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: databaseOptional(terminal.env) });
  const url = baseUrl(options.url ?? httpUrl(config));
  const token = options.token ?? terminal.env['TIDEGATE_TOKEN'] ?? '';
  // The daemon on this machine is known by its certificate: the address here is none that it is for.
  const cert = options.url === undefined ? config.http.tls.cert : null;
  const ask = async <Answer>(path: string, holds: (answer: unknown) => answer is Answer) => {
    const asked = new URL(path, url);
    return read(asked, await askDaemon(asked, token, cert), holds);
  };
  const readiness = await ask('readyz', isReadiness);
  const stats = await ask('api/stats/ingest', isStats);
  // Another daemon than the configuration's may have other routes.
  const known = options.url === undefined || options.config !== undefined;
  const unprotected = known ? config.routes.filter(({ qos }) => qos === 0).map(({ name }) => name) : [];
  print(
    terminal.stdout,
    options.json === true
      ? JSON.stringify({ url: url.href, ...readiness, stats, unprotected_routes: unprotected })
      : describe(url, readiness, stats, unprotected),
  );
  return readiness.ready ? 0 : 1;
}

function describe(
  url: URL,
  { ready, checks }: Readiness,
  stats: IngestStats,
  unprotected: readonly string[],
): string {
  return [
    `${ready ? 'ready' : 'not ready'} at ${url.href}`,
    ...Object.entries(checks).map(
      ([name, check]) => `${name.padEnd(9)} ${check.ok ? 'ok' : 'FAILS'}: ${check.detail}`,
    ),
    ...describeStats(stats),
    ...unprotected.map(
      (route) => `QoS 0     route ${route}: what is published while the daemon is down is lost`,
    ),
  ].join('\n');
}

/** What the answer has, of whatever status, where it `holds`. Throws daemon_unavailable. */
function read<Answer>(
  url: URL,
  { status, body }: DaemonAnswer,
  holds: (answer: unknown) => answer is Answer,
): Answer {
  if (holds(body)) return body;
  const problem = (body as { detail?: unknown } | null)?.detail;
  const detail = typeof problem === 'string' ? `: ${problem.replace(/\.$/, '')}` : '';
  throw new TidegateError('daemon_unavailable', `${url.href}: answers ${status}${detail}`);
}

function isReadiness(answer: unknown): answer is Readiness {
  return isRecord(answer) && typeof answer['ready'] === 'boolean' && isRecord(answer['checks']);
}

function isStats(answer: unknown): answer is IngestStats {
  return isRecord(answer) && isRecord(answer['messages']) && isRecord(answer['points']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function httpUrl({ http }: Config): string {
  // A daemon that listens everywhere answers here too.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[http.host] ?? http.host;
  const scheme = http.tls.cert === null ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
}

/** With a slash at its end, so that a path of a proxy stays. */
function baseUrl(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new TidegateError('usage', `--url ${JSON.stringify(text)}: http:// or https:// is needed`);
  }
  return new URL(text.endsWith('/') ? text : `${text}/`);
}
