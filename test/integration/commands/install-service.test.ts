import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { addInstallService } from '../../../src/commands/install-service.ts';
import { createFolder } from '../../support/folder.ts';
import { needsAnalyze } from '../../support/notices.ts';
import { runCommand } from './command-run.ts';

const run = promisify(execFile);

/** Printed by systemd-analyze where it finds nothing: nothing. */
async function verified(path: string): Promise<string> {
  const { stdout, stderr } = await run('systemd-analyze', ['verify', path]);
  return stdout + stderr;
}

async function exposure(path: string): Promise<number> {
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', path]);
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
}

for (const { title, args, unit, instance } of [
  { title: 'the unit', args: [], unit: 'tidegate.service', instance: 'tidegate.service' },
  {
    title: 'the template',
    args: ['--instance'],
    unit: 'tidegate@.service',
    instance: 'tidegate@north.service',
  },
]) {
  test(
    `${title} that install-service writes: systemd takes it, and finds little left open`,
    needsAnalyze,
    async () => {
      await using folder = await createFolder();
      const command = runCommand(addInstallService, ['install-service', ...args, '--write', folder.path]);
      assert.equal(await command.ended, 0, command.stderr());
      assert.match(command.stdout(), /systemctl daemon-reload/);
      const text = await readFile(join(folder.path, unit), 'utf8');
      assert.ok(text.includes(`ExecStart=${process.execPath} `), 'of this installation');
      // A service named by an instance is verified as that one.
      const path = join(folder.path, instance);
      await writeFile(path, text);
      assert.equal(await verified(path), '');
      assert.ok((await exposure(path)) <= 1.5);
    },
  );

  test(`${title} that comes with the package is as good`, needsAnalyze, async () => {
    await using folder = await createFolder();
    const shipped = await readFile(new URL(`../../../config/systemd/${unit}`, import.meta.url), 'utf8');
    const path = join(folder.path, instance);
    // Nothing is installed there, which is all that systemd may find.
    await writeFile(path, shipped.replace('/usr/bin/tidegate', '/bin/true'));
    assert.equal(await verified(path), '');
    assert.ok((await exposure(path)) <= 1.5);
  });
}

test('it names the configuration that it is given; a template must say where the instance goes', async () => {
  const printed = runCommand(addInstallService, ['install-service', '--config', '/srv/50% "a b".yaml']);
  assert.equal(await printed.ended, 0);
  assert.ok(printed.stdout().includes(String.raw` run --config "/srv/50%% \"a b\".yaml"`), printed.stdout());
  const template = runCommand(addInstallService, [
    'install-service',
    '--instance',
    '--config',
    '/srv/tidegate.yaml',
  ]);
  assert.equal(await template.ended, 2);
  assert.match(template.stderr(), /usage: --config .*%i/);
});

test('a directory that it may not write into is bad usage', async () => {
  const written = runCommand(addInstallService, ['install-service', '--write', '/proc/nowhere']);
  assert.equal(await written.ended, 2);
  assert.match(written.stderr(), /usage: --write .*ENOENT/);
});
