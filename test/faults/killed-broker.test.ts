import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, type Daemon, settled, startFaultyDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createFolder } from '../support/folder.ts';
import { addresses } from '../support/program.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

const MEMORIES = [
  { name: 'that saves every second', config: ['autosave_interval 1'] },
  { name: 'that keeps nothing', config: [] },
];

for (const { name, config } of MEMORIES) {
  test(
    `SIGKILL of a broker ${name} (${ROUNDS} rounds, seed ${SEED}): what was received is stored, timed messages once`,
    needsMosquitto,
    async (t) => {
      const draw = drawnFor(name);
      await using broker = await startBroker({ persistence: config.length > 0, config });
      await using database = await createDatabase({ template: true });
      await using folder = await createFolder();
      const record = join(folder.path, 'received');
      const start = async (): Promise<Daemon> => {
        const daemon = startFaultyDaemon({ ...addresses(broker, database.url), FAULT_RECORD: record });
        await daemon.logged(/subscribed at/);
        return daemon;
      };
      let daemon = await start();
      try {
        await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
        for (let round = 0; round < ROUNDS; round++) {
          await traffic.more(draw(3000));
          await broker.kill();
          await eventually('not ready', async () => !(await daemon.ready()));
          await broker.restart();
          await eventually('ready again', () => daemon.ready());
          // Anew: four connections in a row that end without a word are taken for a second daemon's doing.
          assert.equal(await daemon.stop(), 0);
          daemon = await start();
        }
        await traffic.more(500);
        await traffic.stop();
        await eventually('what came last is stored', async () => {
          const rows = await database.query(
            `SELECT FROM iot_data WHERE value = $1
           UNION ALL SELECT FROM iot_dead_letters WHERE convert_from(payload, 'UTF8') = '{"value":' || $1`,
            [traffic.last],
          );
          return rows.length > 0;
        });
        assertBalanced(await settled(daemon));

        const arrivals = new Map<number, number>();
        for (const line of (await readFile(record, 'utf8')).trimEnd().split('\n')) {
          const index = Number(/"value":(\d+)/.exec(line)?.[1]);
          arrivals.set(index, (arrivals.get(index) ?? 0) + 1);
        }
        const { lost, twice, wrong } = await traffic.findings(database);
        const forgotten = lost.filter((index) => !arrivals.has(index));
        t.diagnostic(
          `${traffic.count} acknowledged to the publisher; the broker forgot ${forgotten.length} of them, and sent ${twice.length} again as new ones`,
        );
        assert.deepEqual(
          lost.filter((index) => arrivals.has(index)),
          [],
          'received and not stored',
        );
        assert.deepEqual(
          twice.filter((index) => traffic.isTimed(index)),
          [],
          'timed and stored twice',
        );
        // Once for each time that it came: only the broker knows better.
        assert.deepEqual(
          twice.filter((index) => arrivals.get(index) === 1),
          [],
          'came once and stored twice',
        );
        assert.deepEqual(wrong, []);
        assert.equal(await daemon.stop(), 0);
      } finally {
        await daemon.kill();
      }
    },
  );
}
