import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addToken } from '../../../src/commands/token.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { carriedToken } from '../../../src/http/guard.ts';
import { yamlFile } from '../../unit/config/yaml-file.ts';
import { runCommand } from './command-run.ts';

const env = { TIDEGATE_DATABASE_URL: 'postgres://tidegate@localhost/tidegate' };

async function created(...args: string[]): Promise<string> {
  const run = runCommand(addToken, ['token', 'create', ...args]);
  assert.equal(await run.ended, 0, run.stderr());
  return run.stdout();
}

test('what it prints for the configuration lets in who carries what it prints first', async (t) => {
  const name = 'Grafana: "north" #1';
  const devices = ['plant1/', 'true', '007', 'ü%_*'];
  const printed = await created(name, '--scope', 'operator', '--devices', ...devices);
  const secret = printed.split('\n')[0] ?? '';
  assert.match(secret, /^tg_[\w-]{43}$/);
  const yaml = printed.slice(printed.indexOf('http:'));
  assert.ok(!yaml.includes(secret));
  const { tokens } = loadConfig({ file: yamlFile(t, yaml), env }).http;
  const carried = carriedToken(`Bearer ${secret}`, tokens);
  assert.deepEqual(
    { name: carried?.name, scope: carried?.scope, devices: carried?.devices },
    { name, scope: 'operator', devices },
  );
  assert.equal(carriedToken(`Bearer ${secret}x`, tokens), null);
});

test('without options it reads, and sees every device', async (t) => {
  const printed = await created('1234');
  const { tokens } = loadConfig({ file: yamlFile(t, printed.slice(printed.indexOf('http:'))), env }).http;
  assert.deepEqual(
    tokens.map(({ name, scope, devices }) => ({ name, scope, devices })),
    [{ name: '1234', scope: 'read', devices: [] }],
  );
});

test('each is another, also as JSON', async () => {
  const [one, two] = await Promise.all([created('a', '--json'), created('a', '--json')]);
  const { token, sha256, ...rest } = JSON.parse(one) as { token: string; sha256: string };
  assert.deepEqual(rest, { name: 'a', scope: 'read', devices: [] });
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.notEqual((JSON.parse(two) as { token: string }).token, token);
});

test('what the configuration would not take is refused', async () => {
  for (const args of [[''], ['a\nb'], ['a', '--scope', 'admin'], ['a', '--devices', '']]) {
    const run = runCommand(addToken, ['token', 'create', ...args]);
    assert.equal(await run.ended, 2, JSON.stringify(args));
    assert.match(run.stderr(), /allowed is/);
    assert.equal(run.stdout(), '');
  }
});
