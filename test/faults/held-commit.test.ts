import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, startBroker } from '../support/broker.ts';
import { assertBalanced, settled, startDaemon, startFaultyDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';
import { drawnFor, ROUNDS, SEED } from '../support/rounds.ts';
import { ALL_KINDS, startTraffic } from '../support/traffic.ts';

/** Waited for by every COMMIT of a batch. */
const GATE = 20_260_101;

test(
  `SIGKILL while the server is slow to commit (${ROUNDS} rounds, seed ${SEED}): the next life waits for what the last one sent`,
  needsMosquitto,
  async () => {
    const draw = drawnFor('held commit');
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const gate = await database.connect();
    await database.query(
      `CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NULL; END $$`,
    );
    await database.query(
      `CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON tidegate.deliveries
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pass_gate()`,
    );
    // The jobs of the scheduler wait for the same lock.
    const env = { ...addresses(broker, database.url), TIDEGATE_COMPONENTS: 'ingest,api' };
    const arm = (): ReturnType<typeof startFaultyDaemon> =>
      startFaultyDaemon({ ...env, FAULT_POINT: 'COMMIT sent', FAULT_AFTER: '0' });
    await (await startDaemon({ env })).stop();
    await using traffic = startTraffic(broker.url, { kinds: ALL_KINDS, pauseMs: 25 });
    for (let round = 0; round < ROUNDS; round++) {
      await traffic.more(draw(500));
      await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
      await using victim = arm();
      await victim.killed();
      const next = startFaultyDaemon(env);
      try {
        await eventually('the next life waits for the last one', async () => {
          const rows = await database.query(
            `SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          );
          // One that did not wait is found out by what it stores.
          return rows.length > 0 || /subscribed at/.test(next.output());
        });
        await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
        await next.logged(/subscribed at/);
        await traffic.more(200);
      } finally {
        await next.kill();
      }
    }
    await using daemon = await startDaemon({ env });
    await traffic.assertStored(database, daemon);
    assertBalanced(await settled(daemon));
    assert.equal(await daemon.stop(), 0);
  },
);
