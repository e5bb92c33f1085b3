import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needsMosquitto, publish, startBroker } from '../support/broker.ts';
import { assertBalanced, metric, settled, startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createHost } from '../support/host.ts';
import { addresses } from '../support/program.ts';

const HOUR = 3_600_000;
/** Far more than a test takes, far less than a jump. Seconds. */
const ROUGHLY = 600;

/** Milliseconds that the clock is set by, and what is said of it. */
const JUMPS: Readonly<Record<string, { readonly by: number; readonly said: RegExp }>> = {
  'forward an hour': { by: HOUR, said: /clock of this machine was set forward by (3599|360[0-9]) s.*NTP/ },
  'back an hour': { by: -HOUR, said: /clock of this machine was set back by (3599|360[0-9]) s.*NTP/ },
  'back to 1970': { by: -Date.now(), said: /clock of this machine was set back by 1[0-9]{9} s.*NTP/ },
};

suite('the clock jumps while a message is in hand', { ...needsMosquitto, concurrency: true }, () => {
  for (const [jump, { by, said }] of Object.entries(JUMPS)) {
    test(`${jump}: durations go on, arrivals are what the clock says`, async () => {
      await using host = await createHost();
      await using broker = await startBroker();
      await using database = await createDatabase({ template: true });
      const env = { ...addresses(broker, database.url), ...host.env, TIDEGATE_MQTT_SILENCE_TIMEOUT: '10m' };
      await using daemon = await startDaemon({ env });
      const seconds = async (name: string) => await metric(daemon, { name: `${name}_seconds_sum` });

      const received = async (count: number) => {
        await eventually(
          `${count} are received`,
          async () => (await daemon.stats()).messages.received === count,
        );
        return await settled(daemon);
      };

      const blocker = await database.connect();
      await blocker.query('BEGIN; LOCK TABLE tidegate.batches IN EXCLUSIVE MODE');
      await publish(broker.url, [message(1)]);
      await eventually('it is in hand', async () => (await daemon.stats()).messages.in_flight === 1);
      const before = Date.now();
      await host.change(daemon, { clock: by });
      await daemon.logged(said);
      assert.equal(await metric(daemon, { name: 'clock_jumps_total' }), 1);
      assert.equal(await daemon.ready(), true, 'no message waits for long');
      await blocker.query('COMMIT');
      await received(1);
      for (const name of ['lag', 'commit']) {
        const sum = await seconds(name);
        assert.ok(sum > 0 && sum < ROUGHLY, `${name}: ${sum} s`);
      }

      // The second without a time: at its arrival by the clock as it is. A time of its own stays what it is.
      await publish(broker.url, [message(2), message(3, before)]);
      assertBalanced(await received(3));
      const rows = await database.query<{ value: number; off: number }>(
        `SELECT value, extract(epoch FROM timestamp)::float8 - $1::float8 / 1000 AS off FROM iot_data ORDER BY value`,
        [before],
      );
      const off = new Map(rows.map((row) => [row.value, row.off]));
      assert.ok(Math.abs(off.get(1) ?? Number.NaN) < ROUGHLY, 'received before the jump');
      assert.ok(Math.abs((off.get(2) ?? Number.NaN) - by / 1000) < ROUGHLY, 'received after it');
      // More than ingest.max_future ahead of a clock in 1970: kept, to be replayed.
      const ahead = by < -24 * HOUR;
      assert.equal(off.get(3), ahead ? undefined : 0);
      const letters = await database.query('SELECT code FROM iot_dead_letters');
      assert.deepEqual(letters, ahead ? [{ code: 'timestamp_in_future' }] : []);

      await host.change(daemon, {});
      await eventually('it is told that the clock is right again', async () => {
        return (await metric(daemon, { name: 'clock_jumps_total' })) === 2;
      });
      await publish(broker.url, [message(4)]);
      await received(4);
      assert.doesNotMatch(daemon.output(), /connecting to/, 'the connection stays');
      assert.equal(await daemon.stop(), 0);
    });
  }
});

/** `time`: milliseconds since 1970, where the device knows it. */
const message = (value: number, time?: number) => ({
  topic: 'devices/pump/turns',
  payload: JSON.stringify(time === undefined ? { value } : { value, timestamp: time }),
});
