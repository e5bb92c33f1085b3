import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runCommand } from '../../../src/commands/program.ts';

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const never = new AbortController().signal;
  const [terminal, version] = [{ stdin, stdout, stderr, env: {}, isTerminal: false }, '1.2.3'];
  const code = await runCommand(['node', 'tidegate', ...args], {
    ...terminal,
    version,
    stopped: never,
    killed: never,
    onHangup: () => {},
    monotonic: () => 0n,
    program: ['node'],
  });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

test('each command of --help is the one that its name loads, alone', async () => {
  const { code, stdout } = await run('--help');
  assert.equal(code, 0);
  const names = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(
    ([, name]) => name as string,
  );
  assert.ok(names.length > 10 && names.includes('dead-letters'), names.join());
  for (const name of names.filter((one) => one !== 'help')) {
    const help = await run(name, '--help');
    assert.equal(help.code, 0, name);
    assert.match(help.stdout, new RegExp(`^Usage: tidegate ${name}\\b`), name);
  }
});

test('an alias loads its command', async () => {
  const { code, stdout } = await run('test', '--help');
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: tidegate explain\|test /);
});
