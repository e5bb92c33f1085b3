import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from 'pg';
import { LatestPoints } from '../../../src/postgres/latest-points.ts';
import { schemaNames, withNames } from '../../../src/postgres/names.ts';
import type { QueryPool } from '../../../src/postgres/query-pool.ts';
import { SERIES_VERSION } from '../../../src/postgres/series-version.ts';
import { ENGINES } from '../../support/engines.ts';
import { change, NEW_YEAR, point } from '../../unit/pipeline/messages.ts';
import { openWithReader } from './sinks.ts';

const KINDS = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const;
type Kind = (typeof KINDS)[number];

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

interface Plan {
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

/** A list that fills with what is asked by the pool's only connection. */
async function heard(pool: QueryPool): Promise<Statement[]> {
  const asked: Statement[] = [];
  await pool.lend(async (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    Object.assign(client, {
      query: (statement: Statement | string, values: readonly unknown[] = []) => {
        asked.push(typeof statement === 'string' ? { text: statement, values } : statement);
        return typeof statement === 'string' ? query(statement, values) : query(statement);
      },
    });
  });
  return asked;
}

/** The tables that the statements read, as the server plans them. */
async function tablesOf(client: Client, statements: readonly Statement[]): Promise<string[]> {
  const tables = new Set<string>();
  const walk = ({ 'Relation Name': table, Plans: below = [] }: Plan): void => {
    if (table !== undefined) tables.add(table);
    for (const plan of below) walk(plan);
  };
  for (const { text, values } of statements) {
    const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
      `EXPLAIN (FORMAT JSON) ${text}`,
      [...values],
    );
    for (const { Plan: plan } of rows[0]?.['QUERY PLAN'] ?? []) walk(plan);
  }
  return [...tables].sort();
}

/** Whether the version is another one after a change of that kind to the table; the change is undone. */
async function isNoted(client: Client, table: string, kind: Kind, before?: string): Promise<boolean> {
  const column = async () => {
    const { rows } = await client.query<{ attname: string }>(
      `SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attidentity = '' AND attnum > 0 ORDER BY attnum DESC LIMIT 1`,
      [`tidegate.${table}`],
    );
    return rows[0]?.attname as string;
  };
  const name = kind === 'UPDATE' ? await column() : '';
  const version = async () => {
    const sql = withNames(`SELECT ${SERIES_VERSION} AS version`, schemaNames('public'));
    return (await client.query<{ version: string }>(sql)).rows[0]?.version;
  };
  await client.query('BEGIN');
  if (before !== undefined) await client.query(before);
  const earlier = await version();
  await client.query(
    {
      INSERT: `INSERT INTO tidegate.${table} OVERRIDING SYSTEM VALUE SELECT * FROM tidegate.${table} LIMIT 0`,
      UPDATE: `UPDATE tidegate.${table} SET ${name} = ${name}`,
      DELETE: `DELETE FROM tidegate.${table}`,
      TRUNCATE: `TRUNCATE tidegate.${table} CASCADE`,
    }[kind],
  );
  const later = await version();
  await client.query('ROLLBACK');
  return earlier !== later;
}

for (const kind of ENGINES) {
  test(`on ${kind.name} whatever becomes of a table that /api/latest keeps something of is noted`, {
    skip: kind.skip,
  }, async (t) => {
    const { database, sink, pool } = await openWithReader(t, kind);
    await sink.put(point('a', 'x', NEW_YEAR, 1), change('a', 'note', NEW_YEAR, 'on'));
    await sink.maintain();
    await database.query(`INSERT INTO tidegate.device_names VALUES ('a', 'A', now())`);
    const latest = new LatestPoints(pool);
    const asked = await heard(pool);
    const read = async (): Promise<Statement[]> => {
      asked.length = 0;
      await latest.page({
        devices: null,
        metrics: null,
        match: '*',
        visible: null,
        after: null,
        limit: 9,
      });
      return [...asked];
    };
    const [first, again] = [await read(), await read()];
    const kept = first.filter(({ text }) => !again.some((one) => one.text === text));

    const client = await database.connect();
    assert.deepEqual(await tablesOf(client, kept), [
      'device_names',
      'series',
      'series_changes',
      'series_stats',
    ]);
    // Texts are read at each question; of the journal it is kept what was read once.
    const anew = await tablesOf(client, again);
    assert.ok(anew.includes('batches'), String(anew));
    const changes = [
      ...['device_names', 'series', 'series_stats'].flatMap((table) =>
        KINDS.map((one) => [table, one] as const),
      ),
      ...(['UPDATE', 'DELETE', 'TRUNCATE'] as const).map((one) => ['batches', one] as const),
    ];
    for (const [table, one] of changes) {
      assert.ok(await isNoted(client, table, one), `${one} ${table}`);
      const without = `DROP TRIGGER series_change ON tidegate.${table}`;
      assert.ok(!(await isNoted(client, table, one, without)), `${one} ${table} is noted by something else`);
    }
    assert.ok(
      !(await isNoted(client, 'batches', 'INSERT')),
      'a batch more is nothing to read pages anew for',
    );
  });
}
