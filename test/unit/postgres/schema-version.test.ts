import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TidegateError } from '../../../src/errors.ts';
import type { EngineName } from '../../../src/postgres/engine-choice.ts';
import { migrations } from '../../../src/postgres/migrate.ts';
import {
  checkUsable,
  ownVersion,
  schemaVersion,
  type VersionClaim,
} from '../../../src/postgres/schema-version.ts';

function claims(engine: EngineName): VersionClaim[] {
  return migrations(engine).map(({ version, compatibleFrom }) => ({
    version,
    compatible_from: compatibleFrom,
  }));
}

/** Null: the program may use it. */
function refusal(applied: readonly VersionClaim[], program: number): string | null {
  try {
    checkUsable(schemaVersion(applied), program);
    return null;
  } catch (error) {
    assert.ok(error instanceof TidegateError && error.code === 'schema_newer', String(error));
    return error.message;
  }
}

suite('which program may use which schema', () => {
  for (const engine of ['postgres', 'timescaledb'] as const) {
    test(`${engine}: a program of any version, a schema of any version`, () => {
      const all = claims(engine);
      for (const { version: program } of all) {
        for (const [index, { version }] of all.entries()) {
          const later = all.slice(0, index + 1).filter((one) => one.version > program);
          const fits = later.every(({ compatible_from }) => compatible_from <= program);
          const applied = all.slice(0, index + 1);
          assert.equal(refusal(applied, program) === null, fits, `program ${program}, schema ${version}`);
        }
      }
    });

    test(`${engine}: its newest migration is this program's version`, () => {
      assert.equal(claims(engine).at(-1)?.version, ownVersion());
    });
  }

  test('a schema of its own or an earlier version, and none at all', () => {
    assert.equal(refusal([], 7), null);
    assert.equal(refusal([{ version: 7, compatible_from: 7 }], 7), null);
    assert.equal(refusal([{ version: 6, compatible_from: 2 }], 7), null);
  });

  test('a later one that allows it, and one that does not, with all that matters in one line', () => {
    assert.equal(refusal([{ version: 9, compatible_from: 7 }], 7), null);
    assert.match(
      refusal([{ version: 9, compatible_from: 8 }], 7) ?? '',
      /the schema is at version 9, usable from version 8; this is 7$/,
    );
  });

  test('a later migration takes nothing back of what one before it ruled out', () => {
    const applied = [
      { version: 8, compatible_from: 8 },
      { version: 9, compatible_from: 3 },
    ];
    assert.match(refusal(applied, 7) ?? '', /version 9, usable from version 8; this is 7/);
    assert.equal(refusal(applied, 8), null);
  });

  test('those that turn out running daemons are the ones that rule out more than all before', () => {
    const excluding = (engine: EngineName) =>
      migrations(engine)
        .filter(({ excludes }) => excludes)
        .map(({ version }) => version);
    assert.deepEqual(excluding('postgres').slice(0, 2), [4, 20]);
    assert.deepEqual(excluding('timescaledb').slice(0, 1), [4]);
  });
});
