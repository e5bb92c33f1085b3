/** What `npm pack` makes, installed in a clean folder: nothing of the repository is there but what it says it needs. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publish, startBroker } from '../../support/broker.ts';
import { settled, startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { addresses } from '../../support/program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

suite('the package', () => {
  let prefix: string;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    prefix = await mkdtemp(join(tmpdir(), 'tidegate-package-'));
    // The demo's PostgreSQL runs as another account where this is root, and would keep its data elsewhere.
    await chmod(prefix, 0o711);
    const modules = join(prefix, 'lib/node_modules');
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', prefix], { cwd: ROOT });
    await mkdir(modules, { recursive: true });
    await run('tar', ['-xzf', join(prefix, packed.stdout.trim()), '-C', modules]);
    folder = join(modules, 'package');
    // As `npm install --global` does it, without the registry: the command, and the libraries that the package names.
    const { bin, dependencies, optionalDependencies } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as Record<'bin' | 'dependencies' | 'optionalDependencies', Record<string, string>>;
    await mkdir(join(prefix, 'bin'));
    await chmod(join(folder, String(bin['tidegate'])), 0o755);
    await symlink(join(folder, String(bin['tidegate'])), join(prefix, 'bin/tidegate'));
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
    await symlink(folder, join(modules, 'tidegate'));
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEGATE_'));
    const path = [join(prefix, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
    env = { ...Object.fromEntries(inherited), PATH: path };
  });
  after(() => rm(prefix, { recursive: true, force: true }));

  test('is a command on the PATH', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.equal((await run('tidegate', ['--version'], { env, cwd: prefix })).stdout, `${version}\n`);
    assert.match((await run('tidegate', ['--help'], { env, cwd: prefix })).stdout, /^Usage: tidegate /);
  });

  test('has no file that takes two bytes a character in memory', async () => {
    const names = (await readdir(join(folder, 'dist'))).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, 'dist', name), 'utf8')));
    assert.deepEqual(
      names.filter((_, index) => /[^\0-\xff]/.test(texts[index] as string)),
      [],
    );
  });

  test('runs: its SQL, its page and what is loaded late are there', async () => {
    await using broker = await startBroker();
    const database = await createDatabase();
    const program = join(prefix, 'bin/tidegate');
    const config = `routes:
  - {topic: 'devices/{device_id}', transform: '{t: value}'}`;
    await using daemon = await startDaemon({ env: addresses(broker, database.url), config, program });
    await publish(broker.url, [{ topic: 'devices/a', payload: '{"value": 21.5}' }]);
    assert.equal((await settled(daemon)).points.stored, 1);
    const page = await fetch(`${daemon.url}/docs/static/index.html`);
    assert.equal(page.status, 200);
    assert.equal(await daemon.stop(), 0);
    await database.drop();
  });

  test('shows itself with nothing installed', async () => {
    const args = ['demo', '--data', join(prefix, 'data'), '--rate', '50', '--duration', '1'];
    const { stdout } = await run('tidegate', args, { env, cwd: prefix });
    assert.match(stdout, /^Tidegate runs\.$/m);
    assert.match(stdout, /received = /);
  });

  test('is a library with types that need no other package', async () => {
    const types = join(ROOT, 'node_modules/@types');
    await mkdir(join(prefix, 'lib/types'));
    await symlink(join(types, 'node'), join(prefix, 'lib/types/node'));
    await writeFile(join(prefix, 'lib/package.json'), '{"type": "module"}');
    await writeFile(
      join(prefix, 'lib/routes.ts'),
      `import { createExplainer, type Explanation } from 'tidegate';
const env = { TIDEGATE_MQTT_URL: 'mqtt://a', TIDEGATE_DATABASE_URL: 'postgres://a:b@c/d' };
const message = new TextEncoder().encode('21.5');
const { points, dead_letter }: Explanation = createExplainer({ env }).explain('devices/a/temperature', message);
console.log(JSON.stringify([points[0]?.device_id, points[0]?.metric_name, points[0]?.value, dead_letter]));
`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const cwd = join(prefix, 'lib');
    await run(tsc, ['--ignoreConfig', ...options, '--typeRoots', 'types', 'routes.ts'], { env, cwd });
    const { stdout } = await run(process.execPath, ['routes.ts'], { env, cwd });
    assert.equal(stdout, '["a","temperature",21.5,null]\n');
  });

  test("leads from a stack to the sources, with Node's own option", async () => {
    const broken = `import { createExplainer } from ${JSON.stringify(join(folder, 'dist/library.js'))};
createExplainer({ file: '/nowhere' });`;
    const args = ['--enable-source-maps', '--input-type=module', '-e', broken];
    await assert.rejects(
      run(process.execPath, args, { env }),
      /at readConfigFile \(.*src\/config\/file\.ts:\d+/,
    );
  });
});
