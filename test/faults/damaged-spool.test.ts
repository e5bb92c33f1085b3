import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeFileHead, FILE_HEAD, newMarker } from '../../src/spool/frame.ts';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { tidegate, addresses } from '../support/program.ts';
import { startProxy, through } from '../support/proxy.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

test(
  `spool files are torn, hit by a bit and joined by a newer one (${ROUNDS} rounds, seed ${SEED}): one record is lost and said`,
  needsMosquitto,
  async () => {
    const draw = drawnFor('damaged spool');
    for (let round = 0; round < ROUNDS; round++) {
      await using folder = await createFolder();
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      await using proxy = await startProxy(Number(new URL(database.url).port));
      const env = {
        ...addresses(broker, through(proxy, database.url)),
        TIDEGATE_SPOOL_PATH: folder.path,
        TIDEGATE_SPOOL_AFTER: '50ms',
      };
      await using traffic = await (async () => {
        await using daemon = await startDaemon({ env });
        const flow = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
        await flow.more(500);
        proxy.refuse();
        await flow.more(2000);
        await flow.stop();
        await eventually('all is in the spool', async () => {
          const { messages } = await daemon.stats();
          return messages.in_flight === 0 && messages.received >= flow.count;
        });
        await daemon.kill();
        return flow;
      })();
      proxy.heal();
      const spooled = (await traffic.findings(database)).lost.length;

      const name = (await readdir(folder.path)).filter((file) => file.endsWith('.spool')).sort()[0] as string;
      const path = join(folder.path, name);
      const bytes = await readFile(path);
      const bit = draw(8 * (bytes.length - FILE_HEAD)) - 1;
      const at = FILE_HEAD + (bit >> 3);
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
      // The beginning of a record that never became whole.
      const torn = bytes.subarray(FILE_HEAD, FILE_HEAD + 20 + draw(100));
      await writeFile(path, Buffer.concat([bytes, torn]));

      const newer = join(folder.path, '9999999999999999.spool');
      await writeFile(newer, encodeFileHead(newMarker(), 999));
      const refused = await tidegate(['run'], env);
      assert.equal(refused.code, 1, refused.stdout);
      assert.match(refused.stdout + refused.stderr, /spool_unusable.*9999999999999999\.spool/s);
      await rm(newer);

      await using daemon = await startDaemon({ env });
      assertBalanced(await settled(daemon));
      const { lost, twice, wrong } = await traffic.findings(database);
      assert.deepEqual({ twice, wrong }, { twice: [], wrong: [] });
      assert.ok(lost.length < spooled / 2, `${lost.length} of ${spooled} lost`);
      assert.match(daemon.output(), /torn|cut/);
      const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
      const damaged = Number(/^tidegate_spool_damaged_records (\d+)/m.exec(metrics)?.[1]);
      assert.equal(damaged, lost.length > 0 ? 1 : 0);
      const kept = (await readdir(folder.path)).filter((file) => file.endsWith('.damaged'));
      assert.equal(kept.length, damaged);
      assert.equal(await daemon.stop(), 0);
    }
  },
);
