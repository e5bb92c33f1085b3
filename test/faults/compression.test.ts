import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openPostgres } from '../integration/engines/engines.ts';
import { openSink } from '../integration/postgres/sinks.ts';
import { createDatabase, startTestPostgres, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { spawnTidegate, tidegate } from '../support/program.ts';
import { randomFrom } from '../support/random.ts';
import { ROUNDS as ASKED } from '../support/rounds.ts';
import { CHUNK, contents, fillDay, isQuiet, stateOf } from './chunk-states.ts';

const ROUNDS = 4 * ASKED;
const SEED = 20_260_301;
const POINTS = 150_000;

/** What takes a chunk to the other state. */
function turn(state: string): 'compress' | 'decompress' {
  return state === 'open' || state === 'closing' ? 'compress' : 'decompress';
}

/** Runs the other way until the chunk is there: whatever was left behind does not keep it. */
async function finish(database: TestDatabase, wanted: 'open' | 'sealed'): Promise<void> {
  await eventually('nobody works on the chunk', () => isQuiet(database));
  const engine = openPostgres(database);
  for (const state of ['closing', 'opening', 'open', 'sealed']) {
    if ((await stateOf(database)) === state && state !== wanted) await engine[turn(state)](CHUNK);
  }
  assert.equal(await stateOf(database), wanted);
}

test(`SIGKILL at ${ROUNDS} random moments of compress and decompress (seed ${SEED}): either state, never half`, async () => {
  await using database = await createDatabase({ template: true });
  await using sink = openSink(database);
  await fillDay(sink, POINTS);
  await using dense = openSink(database, { clientId: 'dense', denseFrom: 16 });
  await fillDay(dense, POINTS / 3, 'dense');
  const before = await contents(database);
  const env = { TIDEGATE_DATABASE_URL: database.url, TIDEGATE_MQTT_URL: 'mqtt://127.0.0.1:1' };
  const begin = performance.now();
  const whole = await tidegate(['chunks', 'compress', CHUNK], env);
  const took = performance.now() - begin;
  assert.equal(whole.code, 0, whole.stderr);
  assert.equal(await contents(database), before);
  const random = randomFrom(SEED);
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    await eventually('nobody works on the chunk', () => isQuiet(database));
    const command = turn(await stateOf(database));
    const child = spawnTidegate(['chunks', command, CHUNK], env);
    const ended = once(child, 'close');
    // It has begun once it is connected; the moment of its work is drawn.
    await Promise.race([ended, delay(took * (0.2 + 0.8 * random()))]);
    child.kill('SIGKILL');
    await ended;
    const state = await stateOf(database);
    seen.add(state);
    assert.equal(await contents(database), before, `${command}, round ${round}: ${state}`);
  }
  assert.ok([...seen].every((state) => ['open', 'closing', 'sealed', 'opening'].includes(state)));
  await finish(database, 'sealed');
  assert.equal(await contents(database), before);
  await finish(database, 'open');
  assert.equal(await contents(database), before);
});

test('PostgreSQL crashes during compress and decompress: either state, never half', async () => {
  await using postgres = await startTestPostgres();
  await using database = await createDatabase({ server: postgres.url, template: true });
  const sink = openSink(database);
  await fillDay(sink, POINTS);
  await sink.close();
  const before = await contents(database);
  const engine = openPostgres(database);
  const begin = performance.now();
  await engine.compress(CHUNK);
  const took = performance.now() - begin;
  const random = randomFrom(SEED);
  for (let round = 0; round < Math.ceil(ROUNDS / 2); round++) {
    const command = turn(await stateOf(database));
    const work = Promise.allSettled([engine[command](CHUNK)]);
    await Promise.race([work, delay(took * random())]);
    await postgres.stop('immediate');
    await work;
    await postgres.start();
    assert.equal(await contents(database), before, `${command}, round ${round}`);
  }
  await finish(database, 'sealed');
  assert.equal(await contents(database), before);
  await finish(database, 'open');
  assert.equal(await contents(database), before);
});
