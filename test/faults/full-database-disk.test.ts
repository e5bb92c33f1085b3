import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase, startTestPostgres } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { startTraffic } from '../support/traffic.ts';

/** Whether this user may mount a disk of 40 MiB there. */
function mounted(path: string): boolean {
  try {
    const options = 'size=40m,mode=1777';
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tidegate-test', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('the disk of the database is full while messages flow: stored once there is room', async (context) => {
  const disk = await mkdtemp(join(tmpdir(), 'tidegate-disk-'));
  if (!mounted(disk)) {
    await rm(disk, { recursive: true });
    context.skip('mounting a small disk needs root on Linux');
    return;
  }
  try {
    await using postgres = await startTestPostgres();
    await using broker = await startBroker();
    await using database = await createDatabase({ server: postgres.url });
    // The server must own it.
    await database.query(`COPY (SELECT) TO PROGRAM 'mkdir ${disk}/tables'`);
    await database.query(`CREATE TABLESPACE small LOCATION '${disk}/tables'`);
    await database.query(`ALTER DATABASE ${database.name} SET default_tablespace = small`);
    await using daemon = await startDaemon({ env: addresses(broker, database.url) });
    await using traffic = startTraffic(broker.url);
    await traffic.more(500);

    const { bavail, bsize } = await statfs(disk);
    const ballast = join(disk, 'ballast');
    // The server may have taken of it meanwhile: then it is full the sooner.
    await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch(() => undefined);
    await daemon.logged(/No space left on device\. Make room/);
    await eventually('not ready', async () => !(await daemon.ready()));
    const labels = { sqlstate: '53100', action: 'retry' };
    assert.ok((await metric(daemon, { name: 'write_errors_total', labels })) > 0);
    await traffic.more(500);
    await rm(ballast);
    await eventually('ready again', () => daemon.ready());
    await traffic.more(200);
    await traffic.assertStored(database, daemon);
    assertBalanced(await settled(daemon));
    assert.equal(await daemon.stop(), 0);
  } finally {
    execFileSync('umount', ['-l', disk]);
    await rm(disk, { recursive: true });
  }
});
