import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { DeadLetters, type LetterOrder } from '../letters/dead-letters.ts';
import { TidegateError } from '../errors.ts';
import type { LetterSelection } from '../postgres/dead-letter-selection.ts';
import { actor } from './actor.ts';
import { confirmed } from './confirmation.ts';
import {
  describeDrop,
  describeGroups,
  describeLetter,
  describeLetters,
  describeReplay,
  SHOWN_BYTES,
} from './letter-report.ts';
import { moment, wholeNumber } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface SelectionOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly id?: readonly number[];
  readonly code?: string;
  readonly route?: string;
  readonly topic?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: number;
}

interface OrderOptions extends SelectionOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const LISTED = 100;
const letterId = wholeNumber(1);

export function addDeadLetters(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  const letters = program
    .command('dead-letters')
    .description('Messages that could not be stored: list and show them, replay or drop them.');
  const command = (name: string, description: string): Command =>
    letters
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'the configuration file (YAML)');
  const selecting = (name: string, description: string, limited: string): Command =>
    command(name, description)
      .option(
        '--id <id>',
        'only this one; may be given several times',
        (text, ids: readonly number[] | undefined) => [...(ids ?? []), letterId(text)],
      )
      .option('--code <code>', 'only those of this reason (docs/errors.md)')
      .option('--route <name>', 'only those that this route took')
      .option('--topic <filter>', 'only those of such topics, an MQTT filter: factory/+/state, factory/#')
      .option(
        '--since <time>',
        'only those received from this time on (ISO 8601; UTC where it has no offset)',
        moment,
      )
      .option('--until <time>', 'only those received before this time', moment)
      .option('--limit <count>', limited, wholeNumber(1));
  const opened = ({ config }: SelectionOptions): DeadLetters =>
    new DeadLetters(loadConfig({ file: config, env: terminal.env }), actor());

  selecting(
    'list',
    'How many there are of each reason and route, with an example of each.',
    `with --letters: at most so many, the latest (default: ${LISTED})`,
  )
    .option('--letters', 'list each of them instead')
    .option('--json', 'print an array as JSON')
    .action(async (options: SelectionOptions & { letters?: boolean }) => {
      const dead = opened(options);
      if (options.letters === true) {
        const found = await dead.list(selection(options), options.limit ?? LISTED);
        print(terminal.stdout, options.json === true ? JSON.stringify(found) : describeLetters(found));
      } else {
        const found = await dead.groups(selection(options));
        print(terminal.stdout, options.json === true ? JSON.stringify(found) : describeGroups(found));
      }
      exit(0);
    });

  command('show', 'One dead letter: its reason, where it came from, and its payload as text or in hex.')
    .argument('<id>', 'as `list` shows it', letterId)
    .option('--raw', 'write the bytes of the payload, all of them, and nothing else')
    .action(async (id: number, options: SelectionOptions & { raw?: boolean }) => {
      const raw = options.raw === true;
      await opened(options).show(id, raw ? Number.POSITIVE_INFINITY : SHOWN_BYTES, async (head, parts) => {
        if (raw) await writeAll(parts, terminal);
        else print(terminal.stdout, describeLetter(head, await buffer(parts)));
      });
      exit(0);
    });

  selecting(
    'replay',
    "Store them, by today's routes, in the time of their receipt.",
    'at most so many, the oldest',
  )
    .option('--dry-run', 'say what would be stored, and change nothing')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      `
What is stored is no dead letter any more; what fails again stays, with its reason of today. A message that was stored in
part is completed, its points are not stored twice. A point that is there already stays, whatever ingest.on_duplicate says.
Aggregates follow with the next refresh. It may run beside the daemon and beside other replays; stopped in the middle, each
message is either stored or still a dead letter. It is recorded in iot_audit.
Exit code 0: all that were meant are stored. 1: some are dead letters still, or it was stopped.`,
    )
    .action(async (options: OrderOptions) => {
      const report = await opened(options).replay(selection(options), order(options), terminal.stopped);
      print(terminal.stdout, options.json === true ? JSON.stringify(report) : describeReplay(report));
      exit(report.failed === 0 && report.complete ? 0 : 1);
    });

  selecting('drop', 'Delete them for good.', 'at most so many, the oldest')
    .option('--dry-run', 'say how many it would delete, and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print {dry_run, dropped} as JSON')
    .addHelpText(
      'after',
      '\nIt cannot be undone, and is recorded in iot_audit. Without --yes it asks, where there is a terminal.',
    )
    .action(async (options: OrderOptions) => {
      const dead = opened(options);
      const meant = selection(options);
      const wanted = order(options);
      if (!wanted.dryRun && options.yes !== true) {
        const plan = terminal.isTerminal
          ? describeDrop(await dead.drop(meant, { ...wanted, dryRun: true }, terminal.stopped))
          : '';
        await confirmed(terminal, plan);
      }
      const report = await dead.drop(meant, wanted, terminal.stopped);
      print(terminal.stdout, options.json === true ? JSON.stringify(report) : describeDrop(report));
      exit(terminal.stopped.aborted ? 1 : 0);
    });
}

function selection(options: SelectionOptions): LetterSelection {
  const { id = null, code = null, route = null, topic = null, since = null, until = null } = options;
  if (since !== null && until !== null && Date.parse(since) >= Date.parse(until)) {
    throw new TidegateError('usage', `--since ${since} is not before --until ${until}`);
  }
  return { ids: id, code, route, topic, since, until };
}

function order({ limit, dryRun = false }: OrderOptions): LetterOrder {
  return { limit: limit ?? null, dryRun };
}

/** A reader that closes the pipe has seen enough. */
async function writeAll(parts: AsyncIterable<Buffer>, { stdout }: Terminal): Promise<void> {
  try {
    await pipeline(Readable.from(parts, { objectMode: false }), stdout, { end: false });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(code)) throw error;
  }
}
