import { escapeIdentifier, escapeLiteral } from 'pg';
import { TidegateError } from '../errors.ts';
import { type SchemaNames, withNames } from './names.ts';
import type { Column, TableShape } from './table-shape.ts';

export interface LikeOptions {
  /** Columns, or null: found by their names and types. */
  readonly time: string | null;
  readonly device: string | null;
  readonly value: string | null;
  /** The column of the metrics, or a text with {column} and tags in braces; null: found, else {column}. */
  readonly metric: string | null;
  /** Of times without a zone. */
  readonly timeZone: string;
  /** Whether it has the latest point of each series only; null: where the key of the table has the device or the metric, and no time. */
  readonly latest: boolean | null;
}

export interface LikeView {
  /** The query, in the columns of the table. */
  readonly query: string;
  /** For people: what each column is. */
  readonly columns: readonly { readonly name: string; readonly from: string }[];
}

const USUAL = {
  device: ['device_id', 'device', 'entity_id', 'host', 'sensor_id', 'sensor'],
  metric: ['metric_name', 'metric', 'measurement', 'field', 'name'],
  value: ['value', 'val', 'state'],
} as const;
/** Whole names: arrays of such, and types that somebody named alike, are none. */
const TIMES = /^timestamp(\(\d\))? with(out)? time zone$/;
const TEXTS = /^(text|character( varying)?(\(\d+\))?|name|citext)$/;
const NUMBERS = /^(double precision|real|smallint|integer|bigint|numeric(\([-\d,]+\))?|boolean)$/;
const COLUMN = 'column';

/** A query that answers as the table did, from what Tidegate stores. Throws `layout_unfit`. */
export function likeView(shape: TableShape, options: LikeOptions, names: SchemaNames): LikeView {
  const roles = rolesOf(shape, options);
  const { query, columns } = roles.value === null ? pivot(shape, roles) : rows(shape, roles, roles.value);
  return { query: withNames(query, names), columns };
}

interface Roles {
  readonly time: Column | null;
  readonly device: Column | null;
  readonly metric: Column | null;
  readonly value: Column | null;
  /** Where no column is the metric. */
  readonly template: string;
  readonly zone: string;
  readonly latest: boolean;
}

function rolesOf(shape: TableShape, options: LikeOptions): Roles {
  const { columns, name: table } = shape;
  const named = (name: string | null): Column | null => {
    if (name === null) return null;
    const found = columns.find((column) => column.name === name);
    if (found === undefined) throw new TidegateError('layout_unfit', `${table} has no column ${name}`);
    return found;
  };
  const usual = (what: keyof typeof USUAL, type: RegExp): Column | null => {
    for (const name of USUAL[what]) {
      const found = columns.find((column) => column.name === name && type.test(column.type));
      if (found !== undefined) return found;
    }
    return null;
  };
  const time = named(options.time) ?? columns.find(({ type }) => TIMES.test(type)) ?? null;
  const device = named(options.device) ?? usual('device', TEXTS);
  const value = named(options.value) ?? usual('value', new RegExp(`${NUMBERS.source}|${TEXTS.source}`));
  // Of Home Assistant's states the column of values is `state`, and so is the one metric.
  const isColumn =
    options.metric !== null && columns.some((column) => column.name === options.metric && column !== value);
  const metric = isColumn
    ? named(options.metric)
    : options.metric === null && value !== null
      ? usual('metric', TEXTS)
      : null;
  if (value !== null && metric === null && options.metric === null)
    throw new TidegateError(
      'layout_unfit',
      `${table} has no column of metrics: name it, or the metric, with --metric`,
    );
  const key = columns.filter((column) => column.key);
  // A key that is a number of its own says nothing: there may be a row a point.
  const isOfSeries = key.some((column) => [device, metric].includes(column));
  return {
    time,
    device,
    metric,
    value,
    template: isColumn ? '' : (options.metric ?? `{${COLUMN}}`),
    zone: options.timeZone,
    latest: options.latest ?? (time === null ? key.length > 0 : isOfSeries && !key.includes(time)),
  };
}

/** One row a point. */
function rows(shape: TableShape, roles: Roles, value: Column): LikeView {
  const { latest } = roles;
  const isText = TEXTS.test(value.type);
  const described: { name: string; from: string }[] = [];
  const select = (source: 'number' | 'text'): string =>
    shape.columns
      .map((column) => {
        const [expression, from] =
          column === value
            ? [source === 'text' ? cast('p.text', column) : number('p.value', column), 'value']
            : plain(column, roles);
        if (source === 'number') described.push({ name: column.name, from });
        return `${expression} AS ${escapeIdentifier(column.name)}`;
      })
      .join(', ');
  const where =
    roles.metric === null ? ` WHERE p.metric_name = ${templateSql(roles.template, '', shape, roles)}` : '';
  const numbers = latest
    ? `(SELECT device_id, metric_name, value, "timestamp" FROM :"schema".iot_latest WHERE value IS NOT NULL)`
    : ':"schema".iot_data';
  const texts = latest
    ? `(SELECT device_id, metric_name, text, "timestamp" FROM :"schema".iot_latest WHERE text IS NOT NULL)`
    : '(SELECT device_id, metric_name, value AS text, "timestamp" FROM :"schema".iot_text)';
  const query = `SELECT ${select('number')}\nFROM ${numbers} p${series(shape, roles, `s.kind <> 'text'`)}${where}`;
  const more = isText
    ? `\nUNION ALL\nSELECT ${select('text')}\nFROM ${texts} p${series(shape, roles, `s.kind = 'text'`)}${where}`
    : '';
  return { query: query + more, columns: described };
}

/** One row a moment of a device, with a metric a column. */
function pivot(shape: TableShape, roles: Roles): LikeView {
  const fields = shape.columns.filter(
    (column) => ![roles.time, roles.device].includes(column) && NUMBERS.test(column.type) && !column.key,
  );
  if (fields.length === 0)
    throw new TidegateError('layout_unfit', `${shape.name} has no column of numbers; name one with --value`);
  const described: { name: string; from: string }[] = [];
  const groups = new Set<string>(['p.device_id', 'p."timestamp"']);
  const list = shape.columns.map((column) => {
    const metric = templateSql(roles.template, column.name, shape, roles);
    let [expression, from] = plain(column, roles);
    if (fields.includes(column)) {
      expression = number(`max(p.value) FILTER (WHERE p.metric_name = ${metric})`, column);
      from = `metric ${roles.template.replace(`{${COLUMN}}`, column.name)}`;
    } else if (isTag(column, roles)) groups.add(tag(column));
    described.push({ name: column.name, from });
    return `${expression} AS ${escapeIdentifier(column.name)}`;
  });
  const metrics = fields.map(({ name }) => templateSql(roles.template, name, shape, roles));
  const from = roles.latest
    ? `(SELECT device_id, metric_name, value, max("timestamp") OVER (PARTITION BY device_id) AS "timestamp"
        FROM :"schema".iot_latest WHERE value IS NOT NULL)`
    : ':"schema".iot_data';
  return {
    query: `SELECT ${list.join(', ')}\nFROM ${from} p${series(shape, roles, `s.kind <> 'text'`)}
WHERE p.metric_name IN (${metrics.join(', ')})\nGROUP BY ${[...groups].join(', ')}`,
    columns: described,
  };
}

/** Joined where a tag is asked for. */
function series(shape: TableShape, roles: Roles, kind: string): string {
  const asked = shape.columns.some((column) => isTag(column, roles)) || /\{(?!column\})/.test(roles.template);
  return asked
    ? `\nJOIN :"schema".iot_series s ON s.device_id = p.device_id AND s.metric_name = p.metric_name AND ${kind}`
    : '';
}

/** A column that no number is in. */
function plain(column: Column, roles: Roles): [expression: string, from: string] {
  if (column === roles.time) {
    const zoned = column.type.endsWith('with time zone');
    return [zoned ? 'p."timestamp"' : `p."timestamp" AT TIME ZONE ${escapeLiteral(roles.zone)}`, 'timestamp'];
  }
  if (column === roles.device) return [cast('p.device_id', column), 'device_id'];
  if (column === roles.metric) return [cast('p.metric_name', column), 'metric_name'];
  if (isTag(column, roles)) return [cast(tag(column), column), `tag ${column.name}`];
  return [`NULL::${column.type}`, 'nothing: NULL'];
}

function isTag(column: Column, { time, device, metric, value }: Roles): boolean {
  return TEXTS.test(column.type) && ![time, device, metric, value].includes(column);
}

function tag({ name }: Pick<Column, 'name'>): string {
  return `(s.tags->>${escapeLiteral(name)})`;
}

function cast(expression: string, { type }: Column): string {
  if (type === 'text') return expression;
  // Without its length `character` is one character.
  return `${expression}::${type.startsWith('character(') ? 'bpchar' : type.replace(/\(\d+\)$/, '')}`;
}

/** The name of a metric: a text, its parts out of the series' tags. Tags that a series has not are left out with their dot. */
function templateSql(template: string, column: string, shape: TableShape, roles: Roles): string {
  if (/[{}]/.test(template.replaceAll(/\{[^{}]*\}/g, '')))
    throw new TidegateError('usage', `${JSON.stringify(template)} has a brace without its partner`);
  const pieces: string[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') pieces.push(escapeLiteral(text));
    text = '';
  };
  for (const [part, name] of template.matchAll(/\{([^{}]*)\}|[^{}]+/g) as Iterable<
    [string, string | undefined]
  >) {
    if (name === undefined) text += part;
    else if (name === COLUMN) text += column;
    else {
      const found = shape.columns.find((one) => one.name === name);
      if (found === undefined || !isTag(found, roles))
        throw new TidegateError('layout_unfit', `${shape.name} has no column ${name} of texts for --metric`);
      const dotted = text.endsWith('.');
      if (dotted) text = text.slice(0, -1);
      flush();
      pieces.push(`coalesce(${dotted ? `'.' || ` : ''}nullif(${tag(found)}, ''), '')`);
    }
  }
  flush();
  return pieces.length === 1 ? (pieces[0] as string) : `(${pieces.join(' || ')})`;
}

const WHOLE: Readonly<Record<string, readonly [string, string]>> = {
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854774784'],
};

/** A number as the column has it; NULL where it does not fit, so that no stored value makes a query fail. */
function number(expression: string, { name, type }: Column): string {
  const range = WHOLE[type];
  if (range !== undefined)
    return `CASE WHEN ${expression} BETWEEN ${range[0]} AND ${range[1]} THEN (${expression})::${type} END`;
  if (type === 'double precision') return expression;
  if (type === 'real')
    return `CASE WHEN abs(${expression}) < 1.1754944e-38 THEN 0::real WHEN abs(${expression}) <= 3.4028234e38
      OR abs(${expression}) IN ('Infinity', 'NaN') THEN (${expression})::real END`;
  if (type === 'boolean') return `${expression} <> 0`;
  if (type.startsWith('numeric')) return `(${expression})::numeric`;
  if (TEXTS.test(type)) return `(${expression})::text`;
  throw new TidegateError('layout_unfit', `${name} is ${type}, which has no numbers`);
}
