/**
 * A machine for one page: a folder, a database, a broker, and commands in front of the PATH that make of what the page says
 * something that leaves this computer as it was. Whatever is not listed here runs as it is written.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../../src/postgres/migrate.ts';
import { freePort, startBroker, type TestBroker } from '../../support/broker.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createFolder } from '../../support/folder.ts';
import { programFile } from '../../support/program.ts';
import { silent } from '../../unit/pipeline/ports.ts';

/** Commands that would change this computer, or need what it has not, and who tries them instead. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  apt: 'installs; the image of the CI has the packages',
  'apt-get': 'the same',
  systemctl: 'needs a systemd; the unit is tried by test/integration/systemd',
  journalctl: 'the same',
  docker: 'needs an engine; what it starts is tried by test/integration/container',
  git: 'needs the network',
};

/** Pages whose commands take whole servers, or build packages: only read here, executed step by step by a test of their own. */
export const EXECUTED_ELSEWHERE: Readonly<Record<string, string>> = {
  'docs/backup.md': 'test/integration/backup',
  'docs/packaging.md': 'test/integration/package',
  'docs/upgrading.md': 'test/integration/upgrades',
};

/** Scripts of npm, and what it does itself: run by the CI, or by test/integration/package. */
const NPM_NOT_RUN =
  'ci|test|pack|install *|run bench*|run check|run build|run generate|run lint|run test:faults*';

export interface Ran {
  readonly code: number;
  readonly output: string;
}

export interface MachineOptions {
  /** The URL of a server of which the superuser may do everything. */
  readonly server: string;
  /** All that the page says: what it creates itself is not put in its place. */
  readonly text: string;
}

export class Machine implements AsyncDisposable {
  readonly folder: string;
  readonly broker: TestBroker;
  readonly database: TestDatabase;
  readonly #text: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #ports: { readonly http: number };
  readonly #dispose: () => Promise<void>;

  private constructor(parts: {
    folder: string;
    broker: TestBroker;
    database: TestDatabase;
    text: string;
    ports: { http: number; mqtt: number; database: number };
    dispose: () => Promise<void>;
  }) {
    this.folder = parts.folder;
    this.broker = parts.broker;
    this.database = parts.database;
    this.#text = parts.text;
    this.#ports = parts.ports;
    this.#dispose = parts.dispose;
    const server = new URL(this.database.url);
    const inherited = Object.entries(process.env).filter(([name]) => !/^(TIDEGATE_|PG|npm_)/.test(name));
    this.#env = {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      PATH: `${join(this.folder, 'bin')}:/usr/sbin:${process.env['PATH']}`,
      HOME: this.folder,
      LC_ALL: 'C.UTF-8',
      MACHINE: this.folder,
      NODE: process.execPath,
      PROGRAM: programFile('main'),
      MQTT_PORT: String(this.broker.port),
      DEMO_PORTS: `--mqtt-port ${parts.ports.mqtt} --database-port ${parts.ports.database}`,
      DEMO_URL: `mqtt://127.0.0.1:${parts.ports.mqtt}`,
      TIDEGATE_MQTT_URL: this.broker.url,
      TIDEGATE_DATABASE_URL: this.database.url,
      TIDEGATE_HTTP_PORT: String(parts.ports.http),
      TIDEGATE_LOG_FORMAT: 'json',
      PGHOST: server.hostname,
      PGPORT: server.port,
      PGUSER: decodeURIComponent(server.username),
      PGPASSWORD: decodeURIComponent(server.password),
      PGDATABASE: server.pathname.slice(1),
    };
  }

  static async open({ server, text }: MachineOptions): Promise<Machine> {
    const folder = await createFolder();
    // The demo's PostgreSQL runs as another account where this is root.
    chmodSync(folder.path, 0o711);
    const [broker, database] = await Promise.all([startBroker(), createDatabase({ server, template: true })]);
    await database.query(
      `DO $$ BEGIN CREATE ROLE ${READER}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await allow(database, READER);
    const [http, mqtt, port] = [await freePort(), await freePort(), await freePort()];
    const dispose = async (): Promise<void> => {
      const pids = join(folder.path, 'pids');
      await run(
        `[ ! -e ${pids} ] || for pid in $(cat ${pids}); do kill $pid && tail --pid=$pid -f /dev/null; done`,
      );
      await broker[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await forget(server);
      await folder[Symbol.asyncDispose]();
    };
    const ports = { http, mqtt, database: port };
    const machine = new Machine({ folder: folder.path, broker, database, text, ports, dispose });
    mkdirSync(join(folder.path, 'bin'));
    for (const [name, script] of Object.entries(COMMANDS)) machine.#command(name, script);
    for (const name of Object.keys(NOT_RUN)) machine.#command(name, ':');
    return machine;
  }

  /** Runs it by bash, which ends at the first command that fails; variables that it exports are there the next time. */
  async run(script: string): Promise<Ran> {
    const exports = join(this.folder, 'exports');
    const before = existsSync(exports) ? `. ${exports}\n` : '';
    return await run(`set -e\n${before}${this.located(script)}\nexport -p > ${exports}\n`, {
      env: this.#env,
      cwd: this.folder,
    });
  }

  /** By psql, as who only reads or as superuser, in the database that the page made or in the machine's. */
  async query(sql: string, { superuser = false } = {}): Promise<Ran> {
    const database = /CREATE DATABASE (\w+)/.exec(this.#text)?.[1];
    const reader = /reader_role: (\w+)/.exec(this.#text)?.[1] ?? READER;
    const [{ exists } = { exists: false }] = await this.database.query<{ exists: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists',
      [database ?? ''],
    );
    const [{ known } = { known: false }] = await this.database.query<{ known: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS known',
      [reader],
    );
    const file = join(this.folder, 'question.sql');
    // Whatever a page's reader is called: a migration gives it what it may.
    if (known && !exists) await allow(this.database, reader);
    const role = superuser ? '' : `SET ROLE ${known ? reader : READER};\n`;
    writeFileSync(file, `${role}${sql}`);
    const env = { ...this.#env, ...(exists ? { PGDATABASE: database as string } : {}) };
    return await run(`psql -X -q -v ON_ERROR_STOP=1 -f ${file}`, { env, cwd: this.folder });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), this.located(text));
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** With the addresses and folders of this machine in place of those that a page names. */
  located(text: string): string {
    return text
      .replaceAll(/\bmqtts?:\/\/[^\s"'`),\]]+/g, this.broker.url)
      .replaceAll(/\bpostgres(?:ql)?:\/\/[^\s"'`)]+/g, (url) => this.#databaseUrl(url))
      .replaceAll(/\b(?:127\.0\.0\.1|localhost):8001\b/g, `127.0.0.1:${this.#ports.http}`)
      .replaceAll(/\b(?:broker|db|tidegate)\.example\b/g, '127.0.0.1')
      .replaceAll(/\/etc\/(?:tidegate|telegraf|mosquitto(?:\/certs|\/conf\.d)?)(?=\/)/g, this.folder)
      .replaceAll('/var/lib/tidegate', join(this.folder, 'state'))
      .replaceAll(/(?<=sqlite:\/\/|\s)\/config(?=\/)/g, this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }

  /** A role and a database that the page creates are kept; else it is the machine's. */
  #databaseUrl(text: string): string {
    const [url, own] = [new URL(text), new URL(this.database.url)];
    const created = (what: RegExp): boolean => what.test(this.#text);
    if (!created(new RegExp(`CREATE ROLE ${url.username}\\b`)) || url.username === '') {
      url.username = own.username;
      url.password = own.password;
    }
    const kept = /^\/(telegraf|homeassistant)$/.test(url.pathname);
    if (!kept && !created(new RegExp(`CREATE DATABASE ${url.pathname.slice(1)}\\b`)))
      url.pathname = own.pathname;
    url.host = own.host;
    return url.href;
  }

  #command(name: string, script: string): void {
    const file = join(this.folder, 'bin', name);
    writeFileSync(file, `#!/usr/bin/env bash\n${script}\n`);
    chmodSync(file, 0o755);
  }
}

const READER = 'page_reader';

/** In front of the PATH. */
const COMMANDS: Readonly<Record<string, string>> = {
  tidegate: `
    stop() { [ ! -e "$MACHINE/pids" ] || { kill $(cat "$MACHINE/pids") && tail --pid=$(cat "$MACHINE/pids") -f /dev/null; rm -f "$MACHINE/pids" "$MACHINE/demo"; }; }
    # What a file says counts: the variables are for those who have none.
    for word; do
      if [ -f "$word" ] && grep -q 'postgres://' "$word"; then unset TIDEGATE_DATABASE_URL; fi
      if [ -f "$word" ] && grep -q 'mqtt://' "$word"; then unset TIDEGATE_MQTT_URL; fi
    done
    case "$1 $2" in
      # Of a broker and a database of one's own: the demo has been stopped.
      'check '* | 'doctor '* | 'migrate '*) stop ;;
      'demo query') ;;
      'run '*)
        stop
        "$NODE" "$PROGRAM" "$@" > "$MACHINE/run.log" 2>&1 < /dev/null &
        echo $! > "$MACHINE/pids"
        until curl -s "http://127.0.0.1:$TIDEGATE_HTTP_PORT/readyz" > /dev/null; do
          kill -0 $! 2> /dev/null || { cat "$MACHINE/run.log"; exit 1; }
          sleep 0.05
        done
        exit 0 ;;
      'demo '*)
        stop
        "$NODE" "$PROGRAM" "$@" $DEMO_PORTS --http-port "$TIDEGATE_HTTP_PORT" > "$MACHINE/demo.log" 2>&1 < /dev/null &
        echo $! > "$MACHINE/pids"
        until grep -q 'Stop with Ctrl-C' "$MACHINE/demo.log"; do
          kill -0 $! 2> /dev/null || { cat "$MACHINE/demo.log"; exit 1; }
          sleep 0.05
        done
        touch "$MACHINE/demo"
        exit 0 ;;
      # A minute of listening is long for a test.
      'init '*) set -- "$@" --for 2s ;;
      # Tried by test/faults/drill.test.ts, as it takes half a minute.
      'drill '*) exit 0 ;;
      'install-service '*) [[ "$*" != *--write* ]] || set -- "$@" "$MACHINE" ;;
    esac
    [ ! -e "$MACHINE/demo" ] || export TIDEGATE_MQTT_URL=$DEMO_URL
    exec "$NODE" "$PROGRAM" "$@"`,
  npm: `
    case "$*" in
      'run -s tidegate -- '*) shift 4; exec tidegate "$@" ;;
      'run demo') exec tidegate demo ;;
      ${NPM_NOT_RUN.replaceAll(' ', '\\ ')}) ;;
      *) echo "npm $*: nobody said how that is tried" >&2; exit 127 ;;
    esac`,
  node: 'exec "$NODE" "$@"',
  sudo: 'while [ "$1" = -u ]; do shift 2; done; exec "$@"',
  // The next of that name on the PATH. An answer of 4xx or 5xx is a failure.
  curl: 'PATH="${PATH#*:}" exec curl --fail-with-body "$@"',
  mosquitto_pub: 'PATH="${PATH#*:}" exec mosquitto_pub -p "$MQTT_PORT" "$@"',
  mosquitto_sub: 'PATH="${PATH#*:}" exec mosquitto_sub -p "$MQTT_PORT" "$@"',
};

async function allow({ url }: TestDatabase, readerRole: string): Promise<void> {
  await migrate({ url, schema: 'public', readerRole, writerRole: null, engine: 'postgres', logger: silent });
}

/** Databases and roles that a page made belong to the server. */
async function forget(server: string): Promise<void> {
  await using admin = await createDatabase({ server });
  const databases = await admin.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname !~ '^(template|postgres$)' AND datname <> current_database()`,
  );
  for (const { name } of databases) await admin.query(`DROP DATABASE "${name}" WITH (FORCE)`);
  const roles = await admin.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> '${READER}'`,
  );
  for (const { name } of roles) await admin.query(`DROP ROLE "${name}"`);
  await admin.query('ALTER SYSTEM RESET ALL');
}

async function run(
  script: string,
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ran> {
  const child = spawn('bash', ['-c', script], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}
