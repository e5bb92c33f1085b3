import assert from 'node:assert/strict';
import { readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SpoolError } from '../../src/errors.ts';
import { openSpool } from '../../src/spool/open.ts';
import { smallDisk } from '../support/small-disk.ts';
import { batchOf, drained, plain } from '../unit/spool/batches.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const failed = (error: SpoolError): boolean => error.name === 'SpoolError' && error.reason === 'failed';

async function sizeOfFiles(path: string): Promise<number> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.spool'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('a full disk refuses appends, harms nothing, and lets them in again once there is room', async (context) => {
  await using disk = await smallDisk();
  if (disk === null) {
    context.skip('mounting a small disk needs root on Linux');
    return;
  }
  const path = join(disk.path, 'spool');
  const options = { path, maxBytes: 2 ** 30, onFull: 'block', logger: quiet } as const;
  const ballast = join(disk.path, 'ballast');
  let spool = await openSpool(options);
  const held: unknown[] = [];
  const append = async (name: string, bytes: number): Promise<void> => {
    const batch = batchOf(name, bytes);
    await spool.append(batch);
    held.push(plain(batch));
  };
  await append('first', 1000);
  await writeFile(ballast, Buffer.alloc(512 * 1024));
  for (let index = 0; ; index++) {
    const { state } = spool;
    try {
      await append(`${index}`, 50_000);
    } catch (error) {
      assert.ok(failed(error as SpoolError), String(error));
      assert.deepEqual(spool.state, state);
      break;
    }
  }
  // What a refused batch had written is gone: it must not come up when the spool is opened again.
  assert.equal(await sizeOfFiles(path), spool.state.bytes);
  // Several at once fail together, as often as they try, and leave no files behind.
  const files = await readdir(path);
  for (let attempt = 0; attempt < 3; attempt++) {
    const outcomes = await Promise.allSettled(
      ['x', 'y', 'z'].map((name) => spool.append(batchOf(name, 200_000))),
    );
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && failed(outcome.reason)));
  }
  assert.deepEqual(await readdir(path), files);
  // With not one block free what is there can still be taken out.
  const { bavail, bsize } = await statfs(disk.path);
  await writeFile(join(disk.path, 'rest'), Buffer.alloc(bavail * bsize));
  assert.equal((await spool.next())[0]?.id, 'first');
  await spool.consume();
  held.shift();
  await rm(ballast);
  await append('after', 200_000);
  await spool.close();
  spool = await openSpool(options);
  assert.deepEqual(spool.damaged, { records: 0, bytes: 0 });
  assert.deepEqual((await drained(spool)).map(plain), held);
  await spool.close();
});
