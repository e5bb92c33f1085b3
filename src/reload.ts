import { isDeepStrictEqual } from 'node:util';
import { readsSparkplug } from './app-options.ts';
import type { Config } from './config/load.ts';
import { KEYS } from './config/schema.ts';
import { isLoopback } from './http/guard.ts';
import { withoutPassword } from './secrets.ts';

/** Keys and sections that take effect while the daemon runs, where `unless` does not hold; all others need a restart. */
const RELOADED: readonly {
  readonly key: string;
  readonly unless?: (running: Config, read: Config) => boolean;
}[] = [
  // What is known of edge nodes is restored before the first message.
  { key: 'routes', unless: (running, read) => readsSparkplug(read) && !readsSparkplug(running) },
  { key: 'policies.aggregates' },
  { key: 'policies.compression' },
  { key: 'policies.retention' },
  { key: 'policies.series' },
  { key: 'policies.longest_hold' },
  { key: 'dead_letters.retention' },
  {
    key: 'http.tokens',
    // The host stays, and must not be open to the network because the new one would not be.
    unless: ({ http }, read) =>
      read.http.tokens.length === 0 && !isLoopback(http.host) && !http.allow_anonymous,
  },
  // Whether it is HTTPS is settled when it begins to listen.
  { key: 'http.tls.cert', unless: changesScheme },
  { key: 'http.tls.key', unless: changesScheme },
  { key: 'log.level' },
  { key: 'mqtt.password' },
  { key: 'mqtt.tls' },
  // Their passwords are asked for at every connection.
  { key: 'database.url', unless: namesAnother((config) => config.database.url) },
  { key: 'database.migrate_url', unless: namesAnother((config) => config.database.migrate_url) },
  { key: 'database.query_url', unless: namesAnother((config) => config.database.query_url) },
];

export interface Reload {
  /** The running configuration with all that takes effect of the new one. */
  readonly config: Config;
  /** Keys that take effect. */
  readonly changed: readonly string[];
  /** Keys that do when the daemon starts anew. */
  readonly restart: readonly string[];
}

/** What becomes of the configuration `running` where the file says `read` now. */
export function reloadOf(running: Config, read: Config): Reload {
  // A single URL is one of mqtt.urls by now.
  const names = KEYS.map(({ name }) => name).filter((name) => name !== 'mqtt.url');
  const [changed, restart]: [string[], string[]] = [[], []];
  const config = structuredClone(running);
  for (const name of names) {
    const value = valueOf(read, name);
    if (isDeepStrictEqual(valueOf(running, name), value)) continue;
    const rule = RELOADED.find(({ key }) => name === key || name.startsWith(`${key}.`));
    if (rule === undefined || rule.unless?.(running, read) === true) {
      restart.push(name);
      continue;
    }
    changed.push(name);
    assign(config, name.split('.'), value);
  }
  return { config, changed, restart };
}

function changesScheme(running: Config, read: Config): boolean {
  return running.http.tls.cert === null || read.http.tls.cert === null;
}

/** Whether the URL differs by more than its password. */
function namesAnother(url: (config: Config) => string | null) {
  return (running: Config, read: Config): boolean =>
    withoutPassword(url(running) ?? '') !== withoutPassword(url(read) ?? '');
}

type Tree = Record<string, unknown>;

function valueOf(config: Config, name: string): unknown {
  return name.split('.').reduce<unknown>((value, step) => (value as Tree)[step], config);
}

function assign(tree: object, path: readonly string[], value: unknown): void {
  const [step = '', ...rest] = path;
  if (rest.length === 0) (tree as Tree)[step] = value;
  else assign((tree as Tree)[step] as object, rest, value);
}
