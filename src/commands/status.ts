import type { Command } from 'commander';
import { type Config, loadConfig } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import type { IngestStats } from '../pipeline/types.ts';
import { describeStats } from './balance-sheet.ts';
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

const TIMEOUT_MS = 5_000;

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
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const readiness = await ask(new URL('readyz', url), headers, isReadiness);
  const stats = await ask(new URL('api/stats/ingest', url), headers, isStats);
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

/** The answer, of whatever status, that `holds`. Throws daemon_unavailable. */
async function ask<Answer>(
  url: URL,
  headers: Readonly<Record<string, string>>,
  holds: (answer: unknown) => answer is Answer,
): Promise<Answer> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    answer = await response.json().catch(() => null);
  } catch (error) {
    throw new TidegateError('daemon_unavailable', `${url.href}: ${reasonOf(error)}`, { cause: error });
  }
  if (holds(answer)) return answer;
  const problem = (answer as { detail?: unknown } | null)?.detail;
  const detail = typeof problem === 'string' ? `: ${problem.replace(/\.$/, '')}` : '';
  throw new TidegateError('daemon_unavailable', `${url.href}: answers ${response.status}${detail}`);
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

/** What `fetch` hides in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1_000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : error.message;
}

function httpUrl({ http }: Config): string {
  // A daemon that listens everywhere answers here too.
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[http.host] ?? http.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
}

/** With a slash at its end, so that a path of a proxy stays. */
function baseUrl(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new TidegateError('usage', `--url ${JSON.stringify(text)}: http:// or https:// is needed`);
  }
  return new URL(text.endsWith('/') ? text : `${text}/`);
}
