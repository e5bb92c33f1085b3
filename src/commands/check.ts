import type { Command } from 'commander';
import { brokerOptions, databaseOptions, decodeLimits, serverOptions } from '../app-options.ts';
import { checkedBrokerTls } from '../broker-tls.ts';
import { certificatesOf } from '../certificates.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { createDecoder } from '../decode/decoder.ts';
import { TidegateError } from '../errors.ts';
import { Certificate } from '../http/certificate.ts';
import { type Grant, shortfalls } from '../mqtt/grant.ts';
import { probeBroker } from '../mqtt/probe.ts';
import type { Logger } from '../pipeline/types.ts';
import { addressOf, connect } from '../postgres/connection.ts';
import { engineOf } from '../postgres/engine-choice.ts';
import { pendingMigrations } from '../postgres/migrate.ts';
import { schemaNames } from '../postgres/names.ts';
import { checkPrivileges } from '../postgres/startup.ts';
import { secretsOf } from '../secrets.ts';
import { checkSpool } from './check-spool.ts';
import { describeFailure, type ExitCode, print, type Terminal } from './terminal.ts';

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export function addCheck(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('check')
    .description(
      'Validate the configuration, try the database, the broker and the spool, and say what the broker grants.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .addHelpText(
      'after',
      `
The broker is tried under a client id of its own (<client_id>-check) that leaves no session behind; a running daemon
is not disturbed, nothing is stored and the database is not migrated.
Certificates that end within 30 days are named.
Exit code 0: all is well. 1: the database, the broker or the spool would not do, or a certificate has expired. 2: the configuration has mistakes.`,
    )
    .action(async ({ config }: { config?: string }) => exit(await check(terminal, config)));
}

async function check(terminal: Terminal, file: string | undefined): Promise<ExitCode> {
  const config = loadConfig({ file, env: terminal.env });
  const ok = (text: string) => print(terminal.stdout, `ok      ${text}`);
  const warn = (text: string) => print(terminal.stdout, `warning ${text}`);
  ok(`configuration: ${config.routes.length} routes`);
  let code: ExitCode = 0;
  for (const attempt of [checkDatabase, checkBroker, checkSpool, checkCertificates]) {
    try {
      await attempt(config, ok, warn);
    } catch (error) {
      if (!(error instanceof TidegateError)) throw error;
      print(terminal.stdout, `failed  ${describeFailure(error).replace(/^tidegate: /, '')}`);
      code = 1;
    }
  }
  for (const route of config.routes.filter(({ qos }) => qos === 0)) {
    warn(`route ${route.name} subscribes at QoS 0: what is published while the daemon is down is lost`);
  }
  return code;
}

const DAY = 86_400_000;
/** Days before a certificate's end from when on somebody should see to it. */
const SOON = 30;

type Say = (text: string) => void;

async function checkDatabase(config: Config, ok: Say, warn: Say): Promise<void> {
  const { url, schema, engine } = databaseOptions(config);
  const client = await connect({ url, statementTimeout: 10_000, applicationName: 'tidegate check' });
  try {
    const { rows } = await client.query<{ version: string; user: string; readonly: string }>(
      `SELECT current_setting('server_version') AS version, current_user AS user,
         current_setting('transaction_read_only') AS readonly`,
    );
    const { version, user, readonly } = rows[0] ?? { version: '', user: '', readonly: '' };
    ok(`database: ${addressOf(url)} as ${user}, PostgreSQL ${version}`);
    if (readonly === 'on') {
      throw new TidegateError('database_privilege', `${addressOf(url)} is read-only (a standby?)`);
    }
    const names = schemaNames(schema);
    const kind = await engineOf(client, names, engine);
    ok(`engine: ${kind}`);
    const pending = await pendingMigrations(client, names, kind);
    if (pending.length > 0) {
      warn(
        `schema ${schema}: ${pending.length} migrations pending; \`tidegate migrate\` or \`tidegate run\` applies them`,
      );
      return;
    }
    await checkPrivileges(client, names);
    ok(`schema ${schema}: up to date, privileges sufficient`);
  } finally {
    await client.end().catch(() => {});
  }
}

async function checkBroker(config: Config, ok: Say, warn: Say): Promise<void> {
  const options = brokerOptions(config);
  const grant = await probeBroker({
    ...options,
    filters: createDecoder(config.routes, decodeLimits(config)).filters(),
    logger: SILENT,
    observer: { dropped: () => {}, resent: () => {} },
    onFatal: () => {},
  });
  ok(`broker: ${grant.url}, MQTT ${grant.protocolVersion === 5 ? '5' : '3.1.1'}, ${grantText(grant)}`);
  for (const { filter, granted } of grant.subscriptions) ok(`subscription: ${filter} at QoS ${granted}`);
  for (const shortfall of shortfalls(grant, options)) warn(shortfall);
}

async function checkCertificates(config: Config, ok: Say, warn: Say): Promise<void> {
  const { tls } = serverOptions(config);
  if (tls !== null && config.components.includes('api')) new Certificate(tls, SILENT).load();
  if (config.components.includes('ingest')) checkedBrokerTls(config);
  const expired: string[] = [];
  for (const { key, until } of certificatesOf(config, secretsOf(config))) {
    const day = new Date(until).toISOString().slice(0, 10);
    const days = Math.floor((until - Date.now()) / DAY);
    if (days < 0) expired.push(`${key} expired on ${day}`);
    else if (days < SOON) warn(`certificate: ${key} expires in ${days} days, on ${day}`);
    else ok(`certificate: ${key} is valid until ${day}`);
  }
  if (expired.length > 0) throw new TidegateError('certificate_expired', expired.join('; '));
}

function grantText(grant: Grant): string {
  const { sessionExpirySeconds, keepaliveSeconds, maximumQos, maximumPacketBytes } = grant;
  return [
    `keepalive ${keepaliveSeconds} s`,
    `QoS up to ${maximumQos}`,
    ...(sessionExpirySeconds === null ? [] : [`session kept for ${sessionExpirySeconds} s`]),
    ...(maximumPacketBytes === null ? [] : [`packets up to ${maximumPacketBytes} bytes`]),
  ].join(', ');
}
