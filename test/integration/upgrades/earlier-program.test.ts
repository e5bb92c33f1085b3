/**
 * The program of an earlier version itself, where one is at hand: on a database of its own, then this version on that one,
 * then the earlier one again, as far as `compatible_from` lets it.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { migrations } from '../../../src/postgres/migrate.ts';
import { publish, startBroker, type TestBroker } from '../../support/broker.ts';
import { type Daemon, settled, startDaemon } from '../../support/daemon.ts';
import { ENGINES, type EngineUnderTest } from '../../support/engines.ts';
import { addresses, spawnTidegate } from '../../support/program.ts';
import { count } from '../postgres/sinks.ts';

const earlier = process.env['TIDEGATE_TEST_EARLIER'];
const skip =
  earlier === undefined
    ? 'TIDEGATE_TEST_EARLIER, the folder of an earlier Tidegate (checkout or package), is not set'
    : false;

async function store(daemon: Daemon, broker: TestBroker, device: string): Promise<void> {
  const { settled: before } = (await settled(daemon)).messages;
  const values = Array.from({ length: 50 }, (_, index) => ({
    timestamp: Date.UTC(2026, 2, 2) + index * 1000,
    value: index,
  }));
  await publish(
    broker.url,
    values.map((value) => ({ topic: `devices/${device}/x`, payload: JSON.stringify(value) })),
  );
  let after = before;
  while (after < before + values.length) ({ settled: after } = (await settled(daemon)).messages);
}

for (const engine of ENGINES) {
  const why = skip === false ? engine.skip : skip;
  test(`${engine.name}: it runs before the upgrade, and after it where it may`, { skip: why }, () =>
    upgrade(engine),
  );
}

async function upgrade(engine: EngineUnderTest): Promise<void> {
  const folder = earlier as string;
  const built = join(folder, 'dist/main.js');
  const program = existsSync(built) ? built : join(folder, 'src/main.ts');
  const files = readdirSync(join(folder, 'sql/migrations'));
  const version = Math.max(...files.map((file) => Number.parseInt(file, 10) || 0));
  const usableFrom = Math.max(
    ...migrations(engine.name)
      .filter((migration) => migration.version > version)
      .map(({ compatibleFrom }) => compatibleFrom),
    0,
  );
  await using broker = await startBroker();
  await using database = await engine.createDatabase({ migrated: false });
  const env = addresses(broker, database.url);

  await using before = await startDaemon({ env, program });
  await store(before, broker, 'before');
  assert.equal(await before.stop(), 0);
  assert.equal(await count(database, 'tidegate.schema_versions WHERE version > $1', version), 0);
  assert.equal(await count(database, 'iot_data'), 50);

  await using upgraded = await startDaemon({ env });
  await store(upgraded, broker, 'upgraded');
  assert.equal(await upgraded.stop(), 0);
  assert.equal(await count(database, 'iot_data'), 100);

  if (usableFrom <= version) {
    await using back = await startDaemon({ env, program });
    await store(back, broker, 'back');
    assert.equal(await back.stop(), 0);
    assert.equal(await count(database, 'iot_data'), 150);
  } else {
    const refused = spawnTidegate(['run'], env, program);
    let said = '';
    for (const stream of [refused.stdout, refused.stderr])
      stream.on('data', (text: Buffer) => (said += text));
    const code = await new Promise((resolve) => refused.once('close', resolve));
    assert.equal(code, 1, said);
    assert.match(said, /schema_newer/);
  }
}
