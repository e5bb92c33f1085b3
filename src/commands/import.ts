import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { StatusLine } from '../demo/status-line.ts';
import { TidegateError } from '../errors.ts';
import { dryRun, type ImportEvents, type ImportOrder, importSource } from '../transfer/importing.ts';
import { LAYOUTS } from '../transfer/layouts.ts';
import { fileSource, type ImportSource, streamSource } from '../transfer/sources.ts';
import { sqlOrder } from '../transfer/sql-order.ts';
import { isSqlite, sqliteOrder } from '../transfer/sqlite-order.ts';
import { databaseOptional } from './database-optional.ts';
import { describeImport, importJson, ImportProgress } from './import-report.ts';
import { timeZone, wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ImportOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly format?: ImportOrder['format'];
  readonly delimiter?: string;
  readonly fromSql?: string;
  readonly query?: string;
  readonly layout?: string;
  readonly table?: string;
  readonly name?: string;
  readonly device?: string;
  readonly metric?: string;
  readonly time?: string;
  readonly value?: string;
  readonly values?: readonly string[];
  readonly tags?: readonly string[];
  readonly timeUnit: ImportOrder['mapping']['timeUnit'];
  readonly timeZone: string;
  readonly decimalComma?: boolean;
  readonly nullWords?: readonly string[];
  readonly text: 'store' | 'drop';
  readonly maxErrors: number;
  readonly rejects?: string;
  readonly anew?: boolean;
  readonly dryRun?: boolean;
}

const MAX_ERRORS = 100;

export function addImport(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('import')
    .description('Load history from CSV, NDJSON or another database: each point once, aggregates follow.')
    .argument('[file]', 'CSV or NDJSON, gzip or not; - is the standard input')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .addOption(
      new Option('--format <format>', 'default: by the end of the name, else csv').choices(['csv', 'ndjson']),
    )
    .option(
      '--delimiter <character>',
      'between the fields of CSV; default: what the first line has',
      delimiter,
    )
    .option(
      '--from-sql <url>',
      'read from a PostgreSQL (postgres://...) or a SQLite file (sqlite:///path) instead',
    )
    .option('--query <sql>', 'what to read there, or @file; needs one row a record')
    .addOption(new Option('--layout <name>', 'what to read there: see below').choices(Object.keys(LAYOUTS)))
    .option('--table <name>', "the layout's table, where it needs one; schema.table, too")
    .option('--name <name>', 'what the source is known by when it is imported again; default: its path')
    .option(
      '--device <template>',
      'the device: a text with columns in braces; default: {device_id} or {device}',
    )
    .option('--metric <template>', 'the metric; default: {metric_name} or {metric}; with --values: {column}')
    .option('--time <column>', 'the time; default: timestamp or time')
    .option('--value <column>', 'the value; default: value')
    .option(
      '--values <columns>',
      'columns that are a metric each, comma-separated; * for any characters',
      list,
    )
    .option('--tags <columns>', 'columns that become tags of the series, comma-separated', list)
    .addOption(
      new Option('--time-unit <unit>', 'of times that are numbers; auto goes by their size')
        .choices(['auto', 's', 'ms', 'us', 'ns'])
        .default('auto'),
    )
    .option('--time-zone <zone>', 'of times that name none, such as Europe/Berlin', timeZone, 'UTC')
    .option('--decimal-comma', 'numbers have a comma before their decimals')
    .option(
      '--null-words <words>',
      'texts that mean no value, comma-separated; default: those of routes',
      list,
    )
    .addOption(
      new Option('--text <what>', 'what happens to texts').choices(['store', 'drop']).default('store'),
    )
    .option('--max-errors <count>', 'stop after so many bad records', wholeNumber(0), MAX_ERRORS)
    .option('--rejects <file>', 'write the bad records there, in the format of the source')
    .option('--anew', 'from the beginning, whatever of the source was imported before')
    .option('--dry-run', 'read all of it, say what it would store, and store nothing')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', help())
    .action(async (file: string | undefined, options: ImportOptions) => {
      exit(await runImport(terminal, file, options));
    });
}

function help(): string {
  const layouts = Object.entries(LAYOUTS).map(([name, { about }]) => `  ${name.padEnd(15)} ${about}`);
  return `
Columns are named by the first line of CSV, by the keys of NDJSON (or paths such as $.tags.host), or by the query.
Without a column of values each column that is not used otherwise is a metric. What \`tidegate export\` writes needs no
option at all. Values are read as those of devices: numbers, words such as ON, else texts.

Layouts for --from-sql:
${layouts.join('\n')}

The same command goes on where it was stopped or killed, and takes in what was appended to a source since; one that
changed otherwise is refused. How far it is, is committed with the points (iot_imports). Points that are stored already
stay as they are or are replaced, as ingest.on_duplicate says; the report counts them. At the end counts and sums of
every series are held against what is stored.
Exit code 0: all is stored. 1: some records were bad, it was stopped, or something does not add up. 2: bad usage,
or a file that cannot be read at all.

Examples: tidegate import history.csv --device boiler-1 --time-zone Europe/Berlin --dry-run
          tidegate import --from-sql postgres://telegraf@db/telegraf --layout telegraf_wide --table cpu
          tidegate import --from-sql sqlite:///config/home-assistant_v2.db --layout ha_recorder
          tidegate export | tidegate import - --config other.yaml`;
}

async function runImport(
  terminal: Terminal,
  file: string | undefined,
  options: ImportOptions,
): Promise<ExitCode> {
  const dry = options.dryRun === true;
  const config = loadConfig({
    file: options.config,
    env: dry ? databaseOptional(terminal.env) : terminal.env,
  });
  await using sourced = await orderOf(terminal, file, options);
  const { order } = sourced;
  const isSeen = (terminal.stderr as { isTTY?: boolean }).isTTY === true;
  const line = new StatusLine(terminal.stderr, true);
  const progress = new ImportProgress(order.source);
  let failed = '';
  const events: ImportEvents = {
    onProgress: (records, skipped) => {
      if (isSeen && progress.isDue()) line.show(progress.describe(records, skipped));
    },
    onRetry: ({ message }) => {
      if (message === failed || terminal.stopped.aborted) return;
      failed = message;
      line.clear();
      print(terminal.stderr, `PostgreSQL does not take it, trying again: ${message}`);
    },
  };
  try {
    const report = await (dry ? dryRun : importSource)(config, order, events, terminal.stopped);
    line.clear();
    print(
      terminal.stdout,
      options.json === true ? importJson(order, report, dry) : describeImport(order, report, dry),
    );
    const { outcome, check } = report;
    const isWhole = outcome.end === 'complete' && outcome.rejected === 0;
    return isWhole && (dry || check?.passed === true) ? 0 : 1;
  } finally {
    line.clear();
  }
}

async function orderOf(
  terminal: Terminal,
  file: string | undefined,
  options: ImportOptions,
): Promise<AsyncDisposable & { readonly order: ImportOrder }> {
  const mapping = {
    device: options.device ?? null,
    metric: options.metric ?? null,
    time: options.time ?? null,
    value: options.value ?? null,
    values: options.values ?? null,
    tags: options.tags ?? [],
    tagObject: null,
    timeUnit: options.timeUnit,
    timeZone: options.timeZone,
    decimalComma: options.decimalComma === true,
    texts: options.text === 'store',
    nullWords: options.nullWords ?? null,
  };
  if (mapping.value !== null && mapping.values !== null)
    throw new TidegateError('usage', '--value and --values exclude one another');
  const rest = {
    mapping,
    maxErrors: options.maxErrors,
    anew: options.anew === true,
    rejects: options.rejects ?? null,
  };
  if (options.fromSql !== undefined) {
    if (file !== undefined) throw new TidegateError('usage', '--from-sql and a file exclude one another');
    const { fromSql: url, layout = null, table = null, name = null } = options;
    const query = queryText(options.query);
    if ((query === null) === (layout === null))
      throw new TidegateError('usage', '--from-sql needs --query or --layout, one of them');
    const open = isSqlite(url) ? sqliteOrder : sqlOrder;
    return await open({ url, query, layout, table, name }, rest);
  }
  for (const name of ['query', 'layout', 'table'] as const)
    if (options[name] !== undefined) throw new TidegateError('usage', `--${name} needs --from-sql`);
  if (file === undefined) throw new TidegateError('usage', 'name a file, - or --from-sql');
  const source = await sourceOf(terminal, file, options.name);
  const format = options.format ?? (/\.(ndjson|jsonl|json)(\.gz)?$/i.test(file) ? 'ndjson' : 'csv');
  return {
    order: { source, format, delimiter: options.delimiter ?? '', ...rest },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function sourceOf(terminal: Terminal, file: string, name: string | undefined): Promise<ImportSource> {
  if (file === '-') return streamSource(() => terminal.stdin, name ?? null);
  const source = await fileSource(file);
  return name === undefined ? source : { ...source, name };
}

function queryText(query: string | undefined): string | null {
  if (query === undefined) return null;
  if (!query.startsWith('@')) return query;
  try {
    return readFileSync(query.slice(1), 'utf8');
  } catch (error) {
    throw new TidegateError('usage', `--query: ${(error as Error).message}`);
  }
}

function list(text: string): string[] {
  return text.split(',').map((one) => one.trim());
}

function delimiter(text: string): string {
  const one = text === '\\t' ? '\t' : text;
  if (one.length === 1 && !/["\r\n]/.test(one)) return one;
  throw new InvalidArgumentError('Allowed: one character; \\t is a tab.');
}
