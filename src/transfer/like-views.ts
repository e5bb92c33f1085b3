import { type Client, escapeIdentifier } from 'pg';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { VIEWS } from '../postgres/grants.ts';
import { type LikeOptions, likeView } from '../postgres/like-view.ts';
import { schemaNames } from '../postgres/names.ts';
import { connectSource } from '../postgres/query-source.ts';
import { withConnection } from '../postgres/session.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';
import { tableShape, type TableShape } from '../postgres/table-shape.ts';

export interface LikeOrder {
  readonly table: string;
  /** Where the table is; null: in Tidegate's own database. */
  readonly from: string | null;
  /** Of the view, `view` or `schema.view`; null: the table's. */
  readonly name: string | null;
  /** Whether the table is renamed, so that the view can have its name. */
  readonly replace: boolean;
  readonly options: LikeOptions;
}

export interface LikeScript {
  readonly view: string;
  /** Statements, one transaction. */
  readonly sql: string;
  readonly columns: readonly { readonly name: string; readonly from: string }[];
}

/** By which a view is known to be one of these, which may be made anew. */
const COMMENT = 'Made by tidegate views';
const SUFFIX = '_before_tidegate';

/** What makes the view. Throws a TidegateError. */
export async function likeScript(config: Config, order: LikeOrder): Promise<LikeScript> {
  const { shape, isReplaced } = await shapeOf(config, order);
  const names = schemaNames(config.database.schema);
  const isOwn =
    shape.schema === names.internal || (shape.schema === names.schema && VIEWS.includes(shape.name));
  if (order.replace && isOwn)
    throw new TidegateError('layout_unfit', `${shape.name} is what Tidegate itself asks: it is not replaced`);
  const { query, columns } = likeView(shape, order.options, names);
  const [schema, name] = targetOf(order, shape);
  const view = nameOf({ schema, name });
  const { reader_role: reader } = config.database;
  const rename =
    order.replace && !isReplaced
      ? [`ALTER TABLE ${nameOf(shape)} RENAME TO ${escapeIdentifier(shape.name + SUFFIX)}`]
      : [];
  const statements = [
    ...rename,
    `CREATE OR REPLACE VIEW ${view} AS\n${query}`,
    `COMMENT ON VIEW ${view} IS '${COMMENT} in the likeness of ${shape.name.replaceAll("'", "''")}'`,
    ...(reader === null ? [] : [`GRANT SELECT ON ${view} TO ${escapeIdentifier(reader)}`]),
  ];
  return { view, sql: `BEGIN;\n${statements.join(';\n')};\nCOMMIT;`, columns };
}

/** Makes it, as the owner of the schema. Throws a TidegateError. */
export async function makeLikeView(
  config: Config,
  { view, sql }: LikeScript,
  replace: boolean,
): Promise<void> {
  await connected(config, async (client) => {
    if ((await isOurs(client, view)) === false && !replace)
      throw new TidegateError(
        'layout_unfit',
        `${view} is there already: name another with --name, or --replace it`,
      );
    try {
      await client.query(sql);
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  });
}

/** Null: there is nothing of that name. */
async function isOurs(client: Client, name: string): Promise<boolean | null> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT relkind = 'v' AND coalesce(obj_description(oid, 'pg_class'), '') LIKE '${COMMENT}%' AS ours
     FROM pg_class WHERE oid = to_regclass($1)`,
    [name],
  );
  return rows[0]?.ours ?? null;
}

interface Found {
  readonly shape: TableShape;
  /** Whether a view has its name already, and it was renamed: the view is made anew. */
  readonly isReplaced: boolean;
}

async function shapeOf(config: Config, { table, from, replace }: LikeOrder): Promise<Found> {
  if (from === null)
    return await connected(config, async (client) => {
      const shape = await tableShape(client, table);
      if (!replace || (await isOurs(client, nameOf(shape))) !== true) return { shape, isReplaced: false };
      const before = nameOf({ ...shape, name: shape.name + SUFFIX });
      // Who dropped it since has the view alone.
      const isThere = (await isOurs(client, before)) !== null;
      return {
        shape: isThere ? { ...(await tableShape(client, before)), name: shape.name } : shape,
        isReplaced: true,
      };
    });
  const client = await connectSource(from);
  try {
    return { shape: await tableShape(client, table), isReplaced: false };
  } finally {
    await client.end().catch(() => {});
  }
}

function nameOf({ schema, name }: Pick<TableShape, 'schema' | 'name'>): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

function targetOf({ name }: LikeOrder, shape: TableShape): [schema: string, name: string] {
  if (name === null) return [shape.schema, shape.name];
  const dot = name.indexOf('.');
  return dot === -1 ? [shape.schema, name] : [name.slice(0, dot), name.slice(dot + 1)];
}

async function connected<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const { url, migrate_url: owner, statement_timeout: statementTimeout } = config.database;
  const connection = { url: owner ?? url, statementTimeout, applicationName: 'tidegate views' };
  try {
    return await withConnection(connection, work);
  } catch (error) {
    const state = sqlstateOf(error);
    if (state === null) throw error;
    const code = state === '42501' ? 'database_privilege' : 'layout_unfit';
    throw new TidegateError(code, (error as Error).message, { cause: error });
  }
}
