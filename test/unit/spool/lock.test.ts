import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSpool } from '../../../src/spool/open.ts';
import { batchOf, spoolFolder } from './batches.ts';

const OPEN = fileURLToPath(new URL('../../../src/spool/open.ts', import.meta.url));
const HOLDER = `
  import { openSpool } from ${JSON.stringify(OPEN)};
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  await openSpool({ path: process.argv[1], maxBytes: 1e6, onFull: 'block', logger: quiet });
  process.stdout.write('held');
  setInterval(() => {}, 1000);
`;
const taken = { code: 'spool_unusable', message: /another process uses/ };

suite('the lock', () => {
  test('keeps a second one out until the first is closed, and leaves nothing behind', async () => {
    await using folder = await spoolFolder();
    const spool = await folder.open();
    await assert.rejects(folder.open(), taken);
    await spool.append(batchOf('still usable'));
    await spool.close();
    const again = await folder.open();
    assert.equal(again.state.batches, 1);
    await again.close();
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith('lock')),
      [],
    );
  });

  test('keeps other processes out, and is free once its process was killed', async () => {
    await using folder = await spoolFolder();
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await assert.rejects(folder.open(), taken);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const spool = await folder.open();
    await spool.close();
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith('lock')),
      [],
    );
  });

  test('of several that begin at once one at most gets in', async () => {
    await using folder = await spoolFolder();
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => folder.open()));
      const open = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      assert.ok(open.length <= 1);
      for (const { value } of open) await value.close();
    }
  });

  test('works in a folder whose path is longer than that of a socket may be', async () => {
    await using folder = await spoolFolder();
    const path = join(folder.path, 'deep'.repeat(40));
    await mkdir(path);
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const options = { path, maxBytes: 1e6, onFull: 'block', logger: quiet } as const;
    const spool = await openSpool(options);
    await assert.rejects(openSpool(options), taken);
    await spool.close();
    assert.deepEqual(await readdir(path), ['cursor']);
  });

  test('a folder that cannot be made is named', async () => {
    await using folder = await spoolFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    await assert.rejects(
      openSpool({ path: join(file, 'spool'), maxBytes: 1e6, onFull: 'block', logger: quiet }),
      { code: 'spool_unusable', message: /file\/spool/ },
    );
  });
});
