import type { Command } from 'commander';
import { engineOptions } from '../app-options.ts';
import { type Config, loadConfig } from '../config/load.ts';
import type { ChunkInfo, Engine } from '../engines/engine.ts';
import { openEngine } from '../engines/open.ts';
import { auditOf, orderChunk } from '../orders.ts';
import { actor } from './actor.ts';
import { byteSize } from './byte-size.ts';
import { table } from './table.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ChunkOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function addChunks(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  const chunks = program
    .command('chunks')
    .description('List chunks (spans of time), compress or open one by hand.');
  const withEngine = async (
    options: ChunkOptions,
    work: (engine: Engine, config: Config) => Promise<void>,
  ): Promise<void> => {
    const config = loadConfig({ file: options.config, env: terminal.env });
    await work(await openEngine(engineOptions(config), config.database.engine), config);
    exit(0);
  };
  chunks
    .command('list')
    .description('Every chunk: range, state, rows, sizes, and what compression saves.')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--json', 'print an array of {name, source, state, range_start, range_end, rows, ...}')
    .action((options: ChunkOptions) =>
      withEngine(options, async (engine) => {
        const found = await engine.chunks();
        print(terminal.stdout, options.json === true ? JSON.stringify(found) : describe(found));
      }),
    );
  for (const [name, description] of [
    ['compress', 'Compress a chunk now, however young it is.'],
    [
      'decompress',
      'Make a compressed chunk rows again; the compression job compresses it anew when it is due.',
    ],
  ] as const) {
    chunks
      .command(name)
      .description(description)
      .argument('<name>', 'as `chunks list` shows it')
      .option('-c, --config <file>', 'the configuration file (YAML)')
      .action((chunk: string, options: ChunkOptions) =>
        withEngine(options, async (engine, config) => {
          const { detail } = await orderChunk(auditOf(config), engine, actor(), name, chunk);
          print(terminal.stdout, detail);
        }),
      );
  }
}

function describe(chunks: readonly ChunkInfo[]): string {
  return table(
    ['name', 'source', 'state', 'from', 'to', 'rows', 'size', 'before', 'ratio'],
    chunks.map((chunk) => [
      chunk.name,
      chunk.source,
      chunk.state,
      chunk.range_start,
      chunk.range_end,
      `${chunk.rows_estimated ? '~' : ''}${chunk.rows}`,
      byteSize(chunk.bytes),
      chunk.bytes_before === null ? null : byteSize(chunk.bytes_before),
      chunk.ratio === null ? null : chunk.ratio.toFixed(1),
    ]),
  );
}
