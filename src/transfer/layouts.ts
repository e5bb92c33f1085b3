import { type Client, escapeIdentifier, escapeLiteral } from 'pg';
import { MODAL } from '../decode/presets/home-assistant-statestream.ts';
import { TidegateError } from '../errors.ts';
import { type Column, tableShape, type TableShape } from '../postgres/table-shape.ts';
import type { MappingOptions } from './mapping.ts';

/** What to read of tables that somebody else laid out, and how its rows become points. */
interface LayoutQuery {
  readonly sql: string;
  readonly mapping: Pick<
    MappingOptions,
    'device' | 'metric' | 'time' | 'value' | 'values' | 'tags' | 'tagObject'
  >;
}

export interface Layout {
  readonly about: string;
  /** `table`: where one was named. Throws `layout_unfit`, or `usage` where one is needed. */
  query(client: Client, table: string | null): Promise<LayoutQuery>;
}

/** Names that no column of a table is likely to have. */
const TIME = 'tidegate.time';
const DEVICE = 'tidegate.device';
const METRIC = 'tidegate.metric';
const VALUE = 'tidegate.value';
const TAGS = 'tidegate.tags';
const TAG_OBJECT = 'tidegate.tag_object';
/** The tag that names the machine that Telegraf runs on. */
const HOST = 'host';
/** Telegraf's name for the table of tags that belongs to another. */
const TAG_TABLE = '_tag';

/** How rows of `recorderQuery` become points. */
export const RECORDER_MAPPING = entity('ts');

export const LAYOUTS: Readonly<Record<string, Layout>> = {
  telegraf_wide: {
    about: 'Telegraf, a table a measurement: time, tags, fields (--table cpu)',
    query: async (client, table) => {
      const shape = await tableShape(client, named(table));
      return telegraf(shape, null);
    },
  },
  telegraf_tags: {
    about: 'the same with tags_as_foreign_keys: tags in a table of their own, cpu_tag',
    query: async (client, table) => {
      const shape = await tableShape(client, named(table));
      const tags = await tableShape(client, qualified(shape.schema, shape.name + TAG_TABLE));
      return telegraf(shape, tags);
    },
  },
  telegraf_narrow: {
    about: 'one table of all: time, measurement (or name), tags as JSON or columns, field, value',
    query: async (client, table) => narrow(await tableShape(client, named(table))),
  },
  ha_recorder: {
    about: "Home Assistant's recorder (2023.4 or newer): a device an entity, its metric is `state`",
    query: async () => ({
      sql: recorderQuery((key) => `a.shared_attrs::json->>'${key}'`),
      mapping: RECORDER_MAPPING,
    }),
  },
  ltss: {
    about: "Home Assistant's long time state storage (LTSS): the same, from its table ltss",
    query: async (client, table) => {
      const { schema, name, columns } = await tableShape(client, table ?? 'ltss');
      const last = columns.some((column) => column.name === 'id') ? 'id' : 'state';
      return {
        sql: `SELECT entity_id, state, "time" AS ts, ${kindOf('entity_id', 'state')}, ${described((key) => `attributes->>'${key}'`)} FROM ${qualified(schema, name)}
          WHERE state IS NOT NULL ORDER BY "time", entity_id, ${last}`,
        mapping: entity('ts'),
      };
    },
  },
};

/** Changes of states as Home Assistant's recorder keeps them. `attribute`: that of an entity, in the database's own SQL. */
export function recorderQuery(attribute: (key: string) => string): string {
  return `SELECT m.entity_id, s.state, s.last_updated_ts AS ts, ${kindOf('m.entity_id', 's.state')}, ${described(attribute)}
    FROM states s JOIN states_meta m USING (metadata_id) LEFT JOIN state_attributes a USING (attributes_id)
    WHERE s.last_updated_ts IS NOT NULL AND s.state IS NOT NULL
      AND (s.last_changed_ts IS NULL OR s.last_changed_ts = s.last_updated_ts)
    ORDER BY s.last_updated_ts, s.state_id`;
}

/** States that the preset of what Home Assistant publishes from now on keeps as texts, too. */
function kindOf(entityId: string, state: string): string {
  const isModal = MODAL.map((domain) => `${entityId} LIKE '${domain}.%'`).join(' OR ');
  return `CASE WHEN (${isModal}) AND ${state} NOT IN ('', 'unavailable', 'unknown') THEN 'text' END AS kind`;
}

/** What the attributes of an entity say of it. */
function described(attribute: (key: string) => string): string {
  return `${attribute('unit_of_measurement')} AS unit, ${attribute('friendly_name')} AS device_name`;
}

function entity(time: string): LayoutQuery['mapping'] {
  return {
    device: '{entity_id}',
    metric: 'state',
    time,
    value: 'state',
    values: null,
    tags: [],
    tagObject: null,
  };
}

function named(table: string | null): string {
  if (table === null) throw new TidegateError('usage', 'the layout needs --table');
  return table;
}

/** As the preset telegraf names them: a device is a host, a metric the measurement and the field, then the other tags. */
function telegraf(shape: TableShape, tagTable: TableShape | null): LayoutQuery {
  const own = shape.columns.filter(({ name }) => name !== 'tag_id');
  const time = own.find(({ name }) => name === 'time');
  if (time === undefined) throw new TidegateError('layout_unfit', `${shape.name} has no column time`);
  const rest = own.filter((column) => column !== time);
  if (rest.some(({ name, type }) => name === 'fields' && type === 'jsonb')) return narrow(shape);
  const tags =
    tagTable === null ? rest.filter(isTag) : tagTable.columns.filter(({ name }) => name !== 'tag_id');
  const fields = rest.filter((column) => !tags.includes(column) && column.type !== 'jsonb');
  if (fields.length === 0) throw new TidegateError('layout_unfit', `${shape.name} has no fields`);
  const alias = tagTable === null ? 't' : 'g';
  const json = (tagTable?.columns ?? rest).find(({ name, type }) => name === 'tags' && type === 'jsonb');
  const plain = tags.filter((tag) => tag !== json).sort(byName);
  const at = (column: Column): string => `${alias}.${escapeIdentifier(column.name)}`;
  const host = plain.find(({ name }) => name === HOST);
  const device =
    json !== undefined ? `${at(json)}->>'${HOST}'` : host === undefined ? 'NULL' : `${at(host)}::text`;
  const tagObject = objectOf(
    plain.map((tag) => [tag.name, `${at(tag)}::text`] as const),
    json === undefined ? null : at(json),
  );
  const join =
    tagTable === null
      ? ''
      : ` LEFT JOIN ${qualified(tagTable.schema, tagTable.name)} g ON g.tag_id = t.tag_id`;
  const shown = json === undefined ? plain.map(at) : [at(json)];
  return {
    sql: `SELECT t."time" AS "${TIME}", coalesce(nullif(${device}, ''), 'telegraf') AS "${DEVICE}",
      ${escapeLiteral(shape.name)} AS "${METRIC}", ${suffix('o.tags')} AS "${TAGS}", o.tags AS "${TAG_OBJECT}",
      ${[...shown, ...fields.map(({ name }) => `t.${escapeIdentifier(name)}`)].join(', ')}
      FROM ${qualified(shape.schema, shape.name)} t${join} CROSS JOIN LATERAL (SELECT ${tagObject} AS tags) o
      ORDER BY t."time", 2, 4`,
    mapping: {
      device: `{${DEVICE}}`,
      metric: `{${METRIC}}.{column}{${TAGS}?}`,
      time: TIME,
      value: null,
      values: fields.map(({ name }) => name),
      tags: [],
      tagObject: TAG_OBJECT,
    },
  };
}

/** Telegraf says in a comment what a column is; where there is none, a text is a tag. */
function isTag({ type, comment }: Column): boolean {
  if (/^(tag|field)\b/.test(comment)) return comment.startsWith('tag');
  return /^(text|character varying|jsonb$)/.test(type);
}

function narrow(shape: TableShape): LayoutQuery {
  const { columns } = shape;
  const find = (...names: readonly string[]): Column | undefined =>
    columns.find(({ name }) => names.includes(name));
  const time = find('time', 'timestamp', 'ts');
  const measurement = find('measurement', 'name');
  const field = find('field', 'field_name', 'field_key');
  const value = find('value', 'field_value');
  const fields = columns.find(({ name, type }) => name === 'fields' && /^jsonb?$/.test(type));
  if (time === undefined) throw new TidegateError('layout_unfit', `${shape.name} has no column time`);
  if (fields === undefined && (field === undefined || value === undefined))
    throw new TidegateError('layout_unfit', `${shape.name} has no columns field and value, and no fields`);
  const json = columns.find(({ name, type }) => name === 'tags' && /^jsonb?$/.test(type));
  const known = new Set([time, measurement, field, value, fields, json]);
  const plain = columns.filter((column) => !known.has(column) && isTag(column)).sort(byName);
  const at = ({ name }: Column): string => `t.${escapeIdentifier(name)}`;
  const host = plain.find(({ name }) => name === HOST);
  const hosts = [
    ...(host === undefined ? [] : [`nullif(${at(host)}, '')`]),
    ...(json === undefined ? [] : [`nullif(${at(json)}->>'${HOST}', '')`]),
  ];
  const tagObject = objectOf(
    plain.map((tag) => [tag.name, at(tag)] as const),
    json === undefined ? null : `${at(json)}::jsonb`,
  );
  const name = measurement === undefined ? escapeLiteral(shape.name) : at(measurement);
  const [key, is] = fields === undefined ? [at(field as Column), at(value as Column)] : ['f.key', 'f.value'];
  const each = fields === undefined ? '' : ` CROSS JOIN LATERAL jsonb_each(${at(fields)}::jsonb) f`;
  return {
    sql: `SELECT ${at(time)} AS "${TIME}", coalesce(${[...hosts, `'telegraf'`].join(', ')}) AS "${DEVICE}",
      concat(${name}, '.', ${key}, ${suffix('o.tags')}) AS "${METRIC}", ${is} AS "${VALUE}", o.tags AS "${TAG_OBJECT}"
      ${[...plain, ...(json === undefined ? [] : [json])].map((tag) => `, ${at(tag)}`).join('')}
      FROM ${qualified(shape.schema, shape.name)} t${each} CROSS JOIN LATERAL (SELECT ${tagObject} AS tags) o
      ORDER BY 1, 2, 3`,
    mapping: {
      device: `{${DEVICE}}`,
      metric: `{${METRIC}}`,
      time: TIME,
      value: VALUE,
      values: null,
      tags: [],
      tagObject: TAG_OBJECT,
    },
  };
}

/** Tags in columns and in a JSON object as one object, without the host; NULL where there are none. */
function objectOf(columns: readonly (readonly [string, string])[], json: string | null): string {
  const pairs = columns.map(([name, at]) => `${escapeLiteral(name)}, ${at}`);
  const all = [
    ...(json === null ? [] : [json]),
    ...(pairs.length === 0 ? [] : [`jsonb_build_object(${pairs.join(', ')})`]),
  ];
  if (all.length === 0) return 'NULL::jsonb';
  return `(SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(${all.join(' || ')}) WHERE key <> '${HOST}' AND value <> '')`;
}

/** `,cpu=cpu0`: such an object as text, by name; NULL where there is none. */
function suffix(tags: string): string {
  const escaped = (text: string): string => `regexp_replace(${text}, '([,=])', '\\\\\\1', 'g')`;
  return `(SELECT string_agg(concat(',', ${escaped('key')}, '=', ${escaped('value')}), '' ORDER BY key COLLATE "C") FROM jsonb_each_text(${tags}))`;
}

function byName(one: Column, other: Column): number {
  return one.name < other.name ? -1 : 1;
}

function qualified(schema: string, name: string): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}
