import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { startCommitProxy } from '../postgres/commit-proxy.ts';
import { lives } from './lives.ts';

/** 2026-01-01T00:00:00Z in seconds. */
const NEW_YEAR = 1_767_225_600;
const DEVICES = 7;
const MESSAGES = 300;
const WORDS = ['idle', 'heating', 'cooling'];

test('with every series forgotten once it is written, also while the spool drains: each change once, the first value of a key', async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createDatabase({ template: true }));
  const proxy = stack.use(await startCommitProxy(database.url));
  const spool = stack.use(await lives());
  const life = await spool.start(proxy.url, { points: 10 });
  const [texts, numbers] = [new Map<string, string[]>(), new Map<string, number>()];
  const acknowledged: Promise<void>[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    // In no order that batches could follow.
    const spread = (index * 7919) % 104_729;
    const device = `device-${spread % DEVICES}`;
    const [word, second] = [WORDS[(spread >> 4) % 3] as string, NEW_YEAR + (spread % 5)];
    const said = texts.get(device) ?? [];
    texts.set(device, said);
    if (said.at(-1) !== word) said.push(word);
    const key = `${device} ${second}`;
    if (!numbers.has(key)) numbers.set(key, index);
    acknowledged.push(
      life.send(`devices/${device}/mode`, JSON.stringify({ value: word, timestamp: NEW_YEAR + index })),
      life.send(`devices/${device}/x`, JSON.stringify({ value: index, timestamp: second })),
    );
    if (index === MESSAGES / 3) proxy.blackHole(true);
    if (index === MESSAGES / 2) await acknowledged[0];
    if (index === (MESSAGES * 2) / 3) {
      await Promise.all(acknowledged);
      assert.ok(life.state().stats.messages.spooled > 0);
      proxy.blackHole(false);
    }
  }
  await Promise.all(acknowledged);
  await life.settled();
  assert.equal(await life.stop(), true);
  const stored = await database.query<{ device: string; words: string[] }>(
    `SELECT device_id AS device, array_agg(value ORDER BY "timestamp") AS words FROM iot_text GROUP BY 1`,
  );
  assert.deepEqual(new Map(stored.map(({ device, words }) => [device, words])), texts);
  const values = await database.query<{ key: string; value: number }>(
    `SELECT device_id || ' ' || extract(epoch FROM "timestamp")::int AS key, value FROM iot_data ORDER BY 1`,
  );
  assert.deepEqual(new Map(values.map(({ key, value }) => [key, value])), numbers);
});
