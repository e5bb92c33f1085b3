import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Command, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { TimeZone } from '../decode/time-zone.ts';
import { readTimestamp } from '../decode/timestamp.ts';
import { TidegateError } from '../errors.ts';
import type { ExportFormat } from '../postgres/series-export.ts';
import { Export } from '../transfer/export.ts';
import { count } from './counted.ts';
import { moment } from './option-values.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ExportOptions {
  readonly config?: string;
  readonly format?: ExportFormat;
  readonly output?: string;
  readonly device?: readonly string[];
  readonly metric?: readonly string[];
  readonly start?: string;
  readonly end?: string;
}

export function addExport(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('export')
    .description(
      'Write all points, texts and what is known of their series, as `tidegate import` reads them.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .addOption(
      new Option('--format <format>', 'default: by the end of the name, else csv').choices(['csv', 'ndjson']),
    )
    .option('-o, --output <file>', 'where to; packed where it ends with .gz; default: the standard output')
    .option('--device <glob>', 'only such devices, * for any characters; may be given several times', several)
    .option('--metric <glob>', 'only such metrics; may be given several times', several)
    .option('--start <time>', 'only points from this time on (ISO 8601; UTC where it has no offset)', moment)
    .option('--end <time>', 'only points before this time', moment)
    .addHelpText(
      'after',
      `
A line is a point: device_id, metric_name, kind (gauge, counter, state, text), timestamp to the microsecond, value as it
is to the last bit, NaN and Infinity included. A series of which a unit or tags are known has a line of them, without a
time and a value, before its points. Series come one after the other, each in order of time. Memory stays small, whatever
the amount. Points that come while it runs may be among them or not; beside a running daemon that is no harm.
Exit code 0: complete, or the reader at the end of the pipe had enough. 1: not.

The way to another engine or server: tidegate export -c old.yaml | tidegate import - -c new.yaml`,
    )
    .action(async (options: ExportOptions) => exit(await runExport(terminal, options)));
}

function several(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

async function runExport(terminal: Terminal, options: ExportOptions): Promise<ExitCode> {
  const { output, start = null, end = null } = options;
  if (start !== null && end !== null && microsOf(start) >= microsOf(end))
    throw new TidegateError('usage', `--start ${start} is not before --end ${end}`);
  const config = loadConfig({ file: options.config, env: terminal.env });
  const format = options.format ?? (/\.(ndjson|jsonl)(\.gz)?$/i.test(output ?? '') ? 'ndjson' : 'csv');
  const selection = { devices: options.device ?? [], metrics: options.metric ?? [], from: start, to: end };
  const exported = new Export(config, selection, format);
  const gone = new AbortController();
  const to = output === undefined ? standardOutput(terminal.stdout, gone) : fileOutput(output);
  try {
    await exported.run((bytes) => to.write(bytes), AbortSignal.any([terminal.stopped, gone.signal]));
    await to.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    if (gone.signal.reason instanceof TidegateError) throw gone.signal.reason;
    return 0;
  }
  const { series, points } = exported.report;
  const n = series.toLocaleString('en-US');
  print(terminal.stderr, `Exported ${count(points, 'point')} of ${n} series.`);
  return 0;
}

interface Output {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

function microsOf(time: string): number {
  return readTimestamp(time, 'auto', new TimeZone('UTC'));
}

/** `gone` is aborted where no more can be written; for a TidegateError where it is not the reader's wish. */
function standardOutput(stream: Writable, gone: AbortController): Output {
  stream.once('error', (error: NodeJS.ErrnoException) => {
    // A reader that closes the pipe has seen enough; a disk that is full has not.
    if (error.code === 'EPIPE') gone.abort();
    else gone.abort(new TidegateError('export_failed', `the standard output: ${error.message}`));
  });
  stream.once('close', () => gone.abort());
  if (stream.destroyed) gone.abort();
  return {
    write: async (bytes) => {
      if (!stream.write(bytes)) await once(stream, 'drain', { signal: gone.signal });
    },
    // What was written last may fail yet.
    end: async () => {
      await new Promise((resolve) => stream.write('', resolve));
      gone.signal.throwIfAborted();
    },
  };
}

function fileOutput(path: string): Output {
  const file = createWriteStream(path);
  const first: Writable = path.endsWith('.gz') ? createGzip() : file;
  const done = first === file ? finishedFile(file) : pipeline(first as ReturnType<typeof createGzip>, file);
  const failed = done.catch((error: unknown) => {
    throw new TidegateError('export_failed', error instanceof Error ? error.message : String(error));
  });
  failed.catch(() => {});
  return {
    write: async (bytes) => {
      if (!first.write(bytes)) await Promise.race([once(first, 'drain'), failed]);
    },
    end: async () => {
      first.end();
      await failed;
    },
  };
}

async function finishedFile(file: Writable): Promise<void> {
  await once(file, 'close');
}
