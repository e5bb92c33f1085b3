/** What docker-compose.yml starts, started without Docker: the same variables, files and scripts. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort, mosquittoPath, startBroker } from '../../support/broker.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createFolder } from '../../support/folder.ts';
import { programFile } from '../../support/program.ts';
import { readCompose, substituted, textOf } from '../../unit/operations/compose-file.ts';
import { roleName } from '../postgres/roles.ts';

const ENTRYPOINT = fileURLToPath(new URL('../../../config/container/entrypoint.sh', import.meta.url));
const needsServers = {
  skip:
    (mosquittoPath === null || spawnSync('psql', ['--version']).error !== undefined) &&
    'needs mosquitto and psql, which are not installed here',
};
/** Ours are said by the test itself. */
const INHERITED = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGATE_')),
);

test(
  'a first start makes a token, prints it and uses it; a second one uses it too',
  needsServers,
  async () => {
    await using folder = await createFolder();
    await using broker = await startBroker({ persistence: true, config: brokerLines() });
    await using database = await createDatabase();
    const role = roleName('container');
    const passwords = {
      DATABASE_PASSWORD: 'f00d',
      READER_PASSWORD: 'feed',
      POSTGRES_PASSWORD: 'x',
      GRAFANA_PASSWORD: 'x',
    };
    try {
      const psql = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', database.url];
      const input = textOf('config/container/roles.sql').replaceAll(
        /\btidegate\b|\btidegate(?=_reader)/g,
        role,
      );
      const made = spawnSync('psql', psql, { input, encoding: 'utf8', env: { ...INHERITED, ...passwords } });
      assert.equal(made.status, 0, made.stderr);

      const port = await freePort();
      const server = new URL(database.url);
      const variables = Object.entries(
        readCompose('docker-compose.yml').services['tidegate']?.environment ?? {},
      );
      const environment = Object.fromEntries(
        variables.map(([name, value]) => [
          name,
          substituted(value, passwords)
            .replace('broker:1883', `127.0.0.1:${broker.port}`)
            .replace('//tidegate:', `//${role}:`)
            .replace('database:5432/tidegate', `${server.host}/${database.name}`)
            .replace('tidegate_reader', `${role}_reader`)
            .replace('/var/lib/tidegate', join(folder.path, 'state')),
        ]),
      );
      const env = { ...containerOf(folder.path), ...environment, TIDEGATE_HTTP_PORT: String(port) };
      const url = `http://127.0.0.1:${port}`;

      await using first = start(env);
      await first.healthy();
      const token = /^ {2}(tg_\S+)$/m.exec(first.output())?.[1];
      assert.ok(token, first.output());
      const answer = async (path: string, carried: string | null) => {
        const headers = carried === null ? {} : { authorization: `Bearer ${carried}` };
        return (await fetch(url + path, { headers })).status;
      };
      assert.equal(await answer('/api/jobs', null), 401);
      assert.equal(await answer('/api/jobs/chunks/run', token), 404, 'GET');
      const prometheus = readFileSync(join(folder.path, 'run/prometheus-token'), 'utf8');
      assert.equal(await answer('/metrics', prometheus), 200);
      assert.equal(
        (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${prometheus}` } })).ok,
        true,
      );
      assert.equal(statSync(join(folder.path, 'state/credentials/http_tokens')).mode & 0o777, 0o600);
      const kept = readFileSync(join(folder.path, 'state/credentials/http_tokens'), 'utf8');
      assert.ok(!kept.includes(token) && !kept.includes(prometheus), 'digests alone are kept');
      const [granted] = await database.query<{ granted: boolean }>(
        `SELECT has_table_privilege('${role}_reader', 'iot_data', 'SELECT') AS granted`,
      );
      assert.equal(granted?.granted, true);
      // What `docker compose exec` runs has the same variables, and finds the tokens.
      const jobs = spawnSync(ENTRYPOINT, ['jobs', 'list'], { env, encoding: 'utf8' });
      assert.equal(jobs.status, 0, jobs.stderr);
      assert.equal(await first.stop(), 0);

      await using second = start(env);
      await second.healthy();
      assert.ok(!second.output().includes('tg_'), second.output());
      assert.equal(await answer('/api/jobs', token), 200);
      assert.equal(await answer('/metrics', prometheus), 200);
      assert.equal(await second.stop(), 0);
    } finally {
      await database.query(`DROP OWNED BY ${role}, ${role}_reader CASCADE`);
      await database.query(`ALTER DATABASE ${database.name} OWNER TO CURRENT_USER`);
      await database.query(`DROP ROLE ${role}, ${role}_reader`);
    }
  },
);

test('where somebody says who may ask, no token is made', async () => {
  const token = JSON.stringify([{ name: 'mine', sha256: 'a'.repeat(64) }]);
  const cases: readonly {
    readonly env?: Record<string, string>;
    readonly file?: string;
    readonly makes: boolean;
  }[] = [
    { makes: true },
    { env: { TIDEGATE_HTTP_TOKENS: token }, makes: false },
    { env: { TIDEGATE_HTTP_ALLOW_ANONYMOUS: 'true' }, makes: false },
    { file: `http:\n  tokens: ${token}\n`, makes: false },
    { file: `http: {allow_anonymous: true}\n`, makes: false },
    { file: `http:\n  #tokens: []\n  port: 0 # tokens: none\n`, makes: true },
  ];
  for (const { env = {}, file, makes } of cases) {
    await using folder = await createFolder();
    const container = containerOf(folder.path);
    if (file !== undefined) writeFileSync(join(folder.path, 'etc/tidegate.yaml'), file);
    // No database is named: it stops at its configuration, once the tokens are settled.
    const { status, stdout, stderr } = spawnSync(ENTRYPOINT, ['run'], {
      env: { ...container, ...env },
      encoding: 'utf8',
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /database\.url/);
    assert.doesNotMatch(stderr, /http\./, 'it is not what the configuration complains of');
    assert.equal(/^ {2}tg_/m.test(stdout), makes, JSON.stringify({ env, file, stdout }));
    assert.equal(existsSync(join(folder.path, 'state/credentials/http_tokens')), makes);
  }
});

/** Its folders, and a `tidegate` on PATH, as the image has them. */
function containerOf(folder: string): Record<string, string> {
  for (const part of ['bin', 'etc', 'run', 'state']) mkdirSync(join(folder, part));
  writeFileSync(
    join(folder, 'bin/tidegate'),
    `#!/bin/sh\nexec '${process.execPath}' '${programFile('main')}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const [, host = ''] = /TIDEGATE_HTTP_HOST=(\S+)/.exec(textOf('Dockerfile')) ?? [];
  return {
    ...(INHERITED as Record<string, string>),
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    CONFIGURATION_DIRECTORY: join(folder, 'etc'),
    CREDENTIALS_DIRECTORY: join(folder, 'state/credentials'),
    RUNTIME_DIRECTORY: join(folder, 'run'),
    TIDEGATE_HTTP_HOST: host,
  };
}

/** Of config/mosquitto.conf; those of the place, and of the log, are the test's. */
function brokerLines(): string[] {
  return textOf('config/mosquitto.conf')
    .split('\n')
    .filter(
      (line) => !/^(#|$|listener |persistence |persistence_location |log_|set_tcp_nodelay )/.test(line),
    );
}

interface Container extends AsyncDisposable {
  output(): string;
  /** Waits until the health check of the image says so. */
  healthy(): Promise<void>;
  /** SIGTERM, to the exit code. */
  stop(): Promise<number | null>;
}

function start(env: Readonly<Record<string, string>>): Container {
  const [, health = '[]'] = /HEALTHCHECK (?:--\S+ )*\\\n +CMD (\[.*\])\n/.exec(textOf('Dockerfile')) ?? [];
  const [command = '', ...args] = JSON.parse(health) as string[];
  const child: ChildProcess = spawn(ENTRYPOINT, ['run'], { env });
  const closed = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => (output += text.toString()));
  return {
    output: () => output,
    async healthy() {
      await eventually('the container is healthy', () => {
        assert.equal(child.exitCode, null, output);
        return spawnSync(command, args, { env }).status === 0;
      });
    },
    async stop() {
      child.kill('SIGTERM');
      await closed;
      return child.exitCode;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
