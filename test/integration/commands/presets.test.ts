import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { addPresets } from '../../../src/commands/presets.ts';
import { PRESETS } from '../../../src/decode/presets/table.ts';
import { runCommand } from './command-run.ts';

test('presets lists them, and says of one what becomes of it before its routes', async () => {
  const list = runCommand(addPresets, ['presets']);
  assert.equal(await list.ended, 0, list.stderr());
  assert.equal(list.stdout().trim().split('\n').length, PRESETS.length);
  for (const { name, about, routes } of PRESETS) {
    const one = runCommand(addPresets, ['presets', name]);
    assert.equal(await one.ended, 0, one.stderr());
    for (const line of about.split('\n')) assert.ok(one.stdout().includes(`\n# ${line}\n`), line);
    assert.equal((parse(one.stdout()) as { routes: unknown[] }).routes.length, routes.length);
  }
  const unknown = runCommand(addPresets, ['presets', 'homi']);
  assert.equal(await unknown.ended, 2);
  assert.match(unknown.stderr(), /^tidegate: usage: there is no preset "homi"; there are: zigbee2mqtt, /m);
});
