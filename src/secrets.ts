import { brokerTls } from './broker-tls.ts';
import type { Config } from './config/load.ts';
import type { TlsOptions } from './mqtt/mqtt-options.ts';

/** What is asked for at every connection, as it may change while the daemon runs. */
export interface Secrets {
  readonly databaseUrl: () => string;
  /** Of the role that migrates. */
  readonly ownerUrl: () => string;
  /** Of the role that answers questions. */
  readonly queryUrl: () => string;
  readonly mqttPassword: () => string | null;
  /** As they were at the first connection, or at the last reload. */
  readonly mqttTls: () => TlsOptions;
}

/** Secrets whose certificates can be renewed. */
export interface HeldSecrets extends Secrets {
  readonly renew: (tls: TlsOptions) => void;
}

/**
 * The passwords as `read` finds them now. Nothing but a password changes while the daemon runs: where the URL names
 * another server, database or user, the one that it began with holds, and so it does while the file cannot be read.
 */
export function secretsOf(config: Config, read: () => Config = () => config): HeldSecrets {
  let latest = config;
  let tls: TlsOptions | null = null;
  const now = (): Config => {
    try {
      latest = read();
    } catch {
      // Somebody is writing it, or it has mistakes: the next attempt reads it again.
    }
    return latest;
  };
  const { url, migrate_url: migrateUrl, query_url: queryUrl } = config.database;
  return {
    databaseUrl: () => withPasswordOf(now().database.url, url),
    ownerUrl: () => {
      const { database } = now();
      return withPasswordOf(database.migrate_url ?? database.url, migrateUrl ?? url);
    },
    queryUrl: () => {
      const { database } = now();
      return withPasswordOf(database.query_url ?? database.url, queryUrl ?? url);
    },
    mqttPassword: () => now().mqtt.password,
    mqttTls: () => (tls ??= brokerTls(config)),
    renew: (renewed) => {
      tls = renewed;
    },
  };
}

/** `fresh`, if it is `known` but for the password; else `known`. */
function withPasswordOf(fresh: string, known: string): string {
  return withoutPassword(fresh) === withoutPassword(known) ? fresh : known;
}

export function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.password = '';
  return url.href;
}
