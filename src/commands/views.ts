import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { type LikeOrder, likeScript, makeLikeView } from '../transfer/like-views.ts';
import { timeZone } from './option-values.ts';
import { table } from './table.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ViewOptions {
  readonly config?: string;
  readonly like: string;
  readonly fromSql?: string;
  readonly name?: string;
  readonly replace?: boolean;
  readonly time?: string;
  readonly device?: string;
  readonly metric?: string;
  readonly value?: string;
  readonly timeZone: string;
  readonly latest?: boolean;
  readonly history?: boolean;
  readonly print?: boolean;
}

export function addViews(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('views')
    .description('Make a view with the columns of a table that dashboards ask, out of what Tidegate stores.')
    .requiredOption('--like <table>', 'the table, or schema.table')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--from-sql <url>', "where the table is; default: Tidegate's own database")
    .option('--name <view>', "of the view, or schema.view; default: the table's")
    .option('--replace', 'rename the table to <table>_before_tidegate, so that the view can have its name')
    .option('--time <column>', 'the column of the time; default: the first of such a type')
    .option(
      '--device <column>',
      'of the device; default: device_id, device, entity_id, host, sensor_id or sensor',
    )
    .option('--metric <name>', 'the column of the metric; or its name, with {column} and tags in braces')
    .option('--value <column>', 'of the value; default: value, val or state; none: each number is a metric')
    .option('--time-zone <zone>', 'of a column of times without a zone', timeZone, 'UTC')
    .option(
      '--latest',
      'the latest point of each series only; default: where the primary key has no time, but the device or the metric',
    )
    .option('--history', 'all points, whatever the primary key')
    .option('--print', 'print the SQL instead')
    .addHelpText(
      'after',
      `
A table with a column of values becomes a view with a row a point. Any other becomes one with a row a moment of a device,
each column of numbers a metric of that name (--metric 'cpu.{column},cpu={cpu}' for what \`import --layout telegraf_wide\` stored).
Other columns of texts are tags of the series, the rest is NULL. A number that does not fit the type of a column is NULL.
Such a view can be made anew, also with --replace; anything else of that name is refused. Dropping it loses nothing.

Examples: tidegate views --like cpu --from-sql postgres://telegraf@old/telegraf --metric 'cpu.{column},cpu={cpu}'
          tidegate views --like measurements --replace --print`,
    )
    .action(async (options: ViewOptions) => exit(await makeViews(terminal, options)));
}

async function makeViews(terminal: Terminal, options: ViewOptions): Promise<ExitCode> {
  if (options.latest === true && options.history === true)
    throw new TidegateError('usage', '--latest and --history exclude one another');
  if (options.replace === true && (options.name !== undefined || options.fromSql !== undefined))
    throw new TidegateError(
      'usage',
      '--replace gives the view the name of the table: --name and --from-sql do not go with it',
    );
  const config = loadConfig({ file: options.config, env: terminal.env });
  const order: LikeOrder = {
    table: options.like,
    from: options.fromSql ?? null,
    name: options.name ?? null,
    replace: options.replace === true,
    options: {
      time: options.time ?? null,
      device: options.device ?? null,
      metric: options.metric ?? null,
      value: options.value ?? null,
      timeZone: options.timeZone,
      latest: options.latest === true ? true : options.history === true ? false : null,
    },
  };
  const script = await likeScript(config, order);
  if (options.print === true) {
    print(terminal.stdout, script.sql);
    return 0;
  }
  await makeLikeView(config, script, order.replace);
  print(terminal.stdout, `${script.view}:`);
  print(
    terminal.stdout,
    table(
      ['column', 'is'],
      script.columns.map(({ name, from }) => [name, from]),
    ),
  );
  if (!script.columns.some(({ from }) => from === 'device_id'))
    print(terminal.stdout, 'No column names the device. If one does: the same again with --device COLUMN.');
  return 0;
}
