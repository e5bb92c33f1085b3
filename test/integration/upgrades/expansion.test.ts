/**
 * A program runs on the schema of every later version that says so (`compatible_from`): whatever it may name is there as it
 * was, and nothing is demanded of what it writes that was not demanded before.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from 'pg';
import type { EngineName } from '../../../src/postgres/engine-choice.ts';
import { applyMigration, migrations } from '../../../src/postgres/migrate.ts';
import { schemaNames } from '../../../src/postgres/names.ts';
import { schemaVersion } from '../../../src/postgres/schema-version.ts';
import { createDatabase } from '../../support/database.ts';
import { createHypertableDatabase, WITH_TIMESCALEDB } from '../../support/engines.ts';
import { type Catalogue, catalogueOf, VERSIONS } from './catalogue.ts';

/** Demands that no program can break which ran before: why. */
const HARMLESS: Readonly<Record<string, string>> = {
  'tidegate.device_aliases: CREATE UNIQUE INDEX device_aliases_current ON tidegate.device_aliases USING btree (alias) WHERE (valid_to IS NULL)':
    'aliases are written since the version that brought the index',
};

const ENGINES: readonly { engine: EngineName; skip: string | false; first: number }[] = [
  { engine: 'postgres', skip: false, first: 1 },
  // Before version 5 there was no such engine: it makes the tables of points anew.
  { engine: 'timescaledb', skip: WITH_TIMESCALEDB.skip, first: 5 },
];

for (const { engine, skip, first } of ENGINES) {
  suite(`${engine}: a program of an earlier version`, { skip }, () => {
    test('finds all that it knows, and may write as it did', async () => {
      const catalogues = new Map<number, Catalogue>();
      await using database =
        engine === 'postgres' ? await createDatabase() : await createHypertableDatabase({ migrated: false });
      const client = new Client(database.url);
      await client.connect();
      await client.query(VERSIONS);
      const applied: { version: number; compatible_from: number }[] = [];
      for (const migration of migrations(engine)) {
        await applyMigration(client, migration, schemaNames('public'), engine);
        applied.push({ version: migration.version, compatible_from: migration.compatibleFrom });
        const { usableFrom } = schemaVersion(applied);
        const now = await catalogueOf(client);
        for (const [program, then] of catalogues) {
          if (program < Math.max(usableFrom, first)) continue;
          const where = `a program of version ${program} on the schema of ${migration.name}`;
          assert.deepEqual(
            [...then.offers].filter((line) => !now.offers.has(line)),
            [],
            `${where} misses`,
          );
          const demands = [...now.demands].filter(
            ([demand, of]) => then.relations.has(of) && !then.demands.has(demand) && !(demand in HARMLESS),
          );
          assert.deepEqual(
            demands.map(([demand]) => demand),
            [],
            `${where} meets new demands`,
          );
        }
        catalogues.set(migration.version, now);
      }
      await client.end();
    });
  });
}
