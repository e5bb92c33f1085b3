import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { readNotice, removeNotice, writeNotice } from '../../../src/demo/notice.ts';

const ADDRESSES = {
  broker: 'mqtt://127.0.0.1:1883',
  database: 'postgres://a:b@127.0.0.1/c',
  http: 'http://127.0.0.1',
};

suite('the notice of a running demo', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('is there from writing to removing, for our own account only', async () => {
    const data = join(folder, 'new');
    await assert.rejects(readNotice(data), { code: 'demo_not_running' });
    await writeNotice(data, ADDRESSES);
    assert.deepEqual(await readNotice(data), ADDRESSES);
    for (const name of await readdir(data)) assert.equal((await stat(join(data, name))).mode & 0o077, 0);
    await removeNotice(data);
    assert.deepEqual(await readdir(data), []);
  });

  test('replaces what an interrupted run left, and follows no link', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await writeFile(elsewhere, 'precious');
    await symlink(elsewhere, join(folder, 'demo.json'));
    await writeNotice(folder, ADDRESSES);
    assert.deepEqual(await readNotice(folder), ADDRESSES);
    assert.equal((await stat(elsewhere)).size, 'precious'.length);
  });
});
