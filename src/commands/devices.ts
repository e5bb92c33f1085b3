import type { Command } from 'commander';
import { engineOptions } from '../app-options.ts';
import { loadConfig } from '../config/load.ts';
import { topicDevices } from '../decode/topic-device.ts';
import type { CorrectionReport, Corrections } from '../engines/corrections.ts';
import { withCorrections } from '../engines/open-corrections.ts';
import { TidegateError } from '../errors.ts';
import { actor } from './actor.ts';
import { confirmed } from './confirmation.ts';
import { describeCorrection, describeDevices, describeMetrics } from './correction-report.ts';
import { moment, tagged } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ListOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly match: string;
  readonly tag?: Record<string, string>;
}

interface CorrectionOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface DeleteOptions extends CorrectionOptions {
  readonly metric?: string;
  readonly from?: string;
  readonly to?: string;
}

/** `dryRun` counts and changes nothing. */
type Correction = (corrections: Corrections, dryRun: boolean) => Promise<CorrectionReport>;

const HELP = `
It goes through hot, late and compressed points, texts, aggregates and statistics, all of it or nothing, and is recorded
in iot_audit. A running daemon follows at its next batch; while the correction is under way it waits, and loses nothing.
It cannot be undone: see first with --dry-run what it would do. Without --yes it asks, where there is a terminal.`;

export function addDevices(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  const devices = program
    .command('devices')
    .description('List devices, show one; delete, rename or merge them.');
  const correction = (name: string, description: string): Command =>
    devices
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'the configuration file (YAML)')
      .option('--dry-run', 'say what it would do, and change nothing')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print {action, subject, dry_run, counts} as JSON');
  const correct = async (options: CorrectionOptions, work: Correction): Promise<void> => {
    const report = await runCorrection(terminal, options, work);
    print(terminal.stdout, options.json === true ? JSON.stringify(report) : describeCorrection(report));
    exit(0);
  };

  devices
    .command('list')
    .description(
      'Every device: its series, its points, the times of the first and the last one; whether it is silent.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('-m, --match <glob>', 'only devices of such names; * stands for any characters', '*')
    .option(
      '-t, --tag <key:value>',
      'only devices with a series of this tag; several: of all of them',
      tagged,
    )
    .option('--json', 'print an array of the columns of iot_devices')
    .addHelpText(
      'after',
      `
every is how often a device publishes, learned from its latest messages; clock skew how much later its messages arrive
than they say themselves. A device that is silent was not heard for several of its intervals; learning is one of which
too little is known. Empty: not watched, or not heard since it is.`,
    )
    .action(async (options: ListOptions) => {
      const found = await connected(terminal, options.config, (corrections) =>
        corrections.list(options.match, options.tag ?? null),
      );
      print(terminal.stdout, options.json === true ? JSON.stringify(found) : describeDevices(found));
      exit(0);
    });

  devices
    .command('show')
    .description('The metrics of one device: kind, unit, tags, points, and the latest point.')
    .argument('<device>', 'its device_id')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--json', 'print an array of metrics')
    .action(async (device: string, options: Pick<ListOptions, 'config' | 'json'>) => {
      const metrics = await connected(terminal, options.config, (corrections) => corrections.metrics(device));
      print(terminal.stdout, options.json === true ? JSON.stringify(metrics) : describeMetrics(metrics));
      exit(0);
    });

  correction('delete', 'Delete a device, or some of its metrics, or their points of some time.')
    .argument('<device>', 'its device_id')
    .option('-m, --metric <glob>', 'only metrics of such names; * stands for any characters')
    .option('--from <time>', 'only points from this time on (ISO 8601; UTC where it has no offset)', moment)
    .option('--to <time>', 'only points before this time', moment)
    .addHelpText(
      'after',
      `${HELP}
With a whole device its former names go, and its dead letters, as far as their route takes the device from the topic.
Aggregates of times whose points retention deleted cannot be computed again: they go with a whole series only.`,
    )
    .action(async (device: string, options: DeleteOptions) => {
      const { metric = null, from = null, to = null } = options;
      if (from !== null && to !== null && Date.parse(from) >= Date.parse(to)) {
        throw new TidegateError('usage', `--from ${from} is not before --to ${to}`);
      }
      await correct(options, (corrections, dryRun) =>
        corrections.delete({ device, metric, from, to }, dryRun),
      );
    });

  correction(
    'rename',
    'Give a device another name. Its history moves, and messages under the old name follow.',
  )
    .argument('<old>', 'its device_id')
    .argument('<new>', 'a name that no device has')
    .addHelpText('after', `${HELP}\niot_device_aliases shows former names.`)
    .action(async (device: string, name: string, options: CorrectionOptions) => {
      if (name === '' || name.includes('\0') || !name.isWellFormed()) {
        throw new TidegateError('usage', `${JSON.stringify(name)} cannot be the name of a device`);
      }
      await correct(options, (corrections, dryRun) => corrections.rename(device, name, dryRun));
    });

  correction('merge', 'Put one device into another, whose former name it becomes.')
    .argument('<from>', 'the device that goes')
    .argument('<into>', 'the device that stays')
    .addHelpText(
      'after',
      `${HELP}
Where both have a point of one metric and time, ingest.on_duplicate says which one is kept: that of the device that
stays (keep_first) or of the one that goes (keep_last); the report counts what was dropped.`,
    )
    .action(async (device: string, into: string, options: CorrectionOptions) => {
      await correct(options, (corrections, dryRun) => corrections.merge(device, into, dryRun));
    });
}

/** Counts first where somebody is asked, so that the question says what it is about. */
async function runCorrection(
  terminal: Terminal,
  { config, dryRun = false, yes = false }: CorrectionOptions,
  work: Correction,
): Promise<CorrectionReport> {
  return await connected(terminal, config, async (corrections) => {
    if (dryRun) return await work(corrections, true);
    if (!yes) {
      const plan = terminal.isTerminal ? describeCorrection(await work(corrections, true)) : '';
      await confirmed(terminal, plan);
    }
    return await work(corrections, false);
  });
}

async function connected<T>(
  terminal: Terminal,
  file: string | undefined,
  work: (corrections: Corrections) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file, env: terminal.env });
  return await withCorrections(
    {
      ...engineOptions(config),
      onDuplicate: config.ingest.on_duplicate,
      actor: actor(),
      deviceOf: topicDevices(config.routes),
    },
    config.database.engine,
    terminal.stopped,
    work,
  );
}
