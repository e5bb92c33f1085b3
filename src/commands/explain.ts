import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { ExplainedPoint, Explanation } from '../decode/explanation.ts';
import { DEAD_LETTERS, TidegateError } from '../errors.ts';
import { briefly, Explainer } from '../explainer.ts';
import { databaseOptional } from './database-optional.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ExplainOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function addExplain(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('explain')
    .alias('test')
    .description(
      'Say what would become of a message: its route, its points, or why it would be a dead letter.',
    )
    .argument('<topic>', 'the topic of the message')
    .argument('<payload>', 'its payload: text, @file, or - for standard input')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--json', 'print {route, points, dead_letter} as JSON')
    .addHelpText(
      'after',
      `
Nothing is published, stored or connected to.
Exit code 0: every part of the message would be stored or is ignored by configuration. 1: it would be a dead letter.

Example: tidegate explain devices/boiler-1/temperature 21.5`,
    )
    .action(async (topic: string, payload: string, options: ExplainOptions) => {
      exit(await explain(terminal, topic, await payloadFrom(payload, terminal), options));
    });
}

async function explain(
  terminal: Terminal,
  topic: string,
  payload: Uint8Array,
  options: ExplainOptions,
): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: databaseOptional(terminal.env) });
  const explanation = new Explainer(config).explain(topic, payload);
  print(
    terminal.stdout,
    options.json === true ? JSON.stringify(briefly(explanation)) : describe(explanation),
  );
  return explanation.dead_letter === null ? 0 : 1;
}

function describe(explanation: Explanation): string {
  const { route, points, rejections, drops, passed } = explanation;
  const lines = [`route       ${route ?? 'none'}`];
  for (const other of passed) lines.push(`            not ${other.route}: ${other.reason}`);
  for (const point of points) lines.push(describePoint(point));
  for (const { code, detail } of rejections) {
    lines.push(
      `dead letter ${code}: ${detail}`,
      `            ${DEAD_LETTERS[code].means} ${DEAD_LETTERS[code].mend}`,
    );
  }
  for (const reason of drops) lines.push(`dropped     ${reason}`);
  if (points.length + rejections.length + drops.length === 0)
    lines.push('no points   The message is ignored: it has no value.');
  return lines.join('\n');
}

function describePoint(point: ExplainedPoint): string {
  const value = point.kind === 'text' ? JSON.stringify(point.value) : String(point.value);
  const unit = point.unit === undefined ? '' : ` ${point.unit}`;
  const notes = [
    point.kind,
    ...Object.entries(point.tags ?? {}).map(([key, tag]) => `${key}=${tag}`),
    ...(point.device_name === undefined ? [] : [`device ${JSON.stringify(point.device_name)}`]),
    ...(point.arrival === true ? ['time of arrival'] : []),
    ...(point.changes_only === true ? ['stored when it changes'] : []),
  ];
  return `point       ${point.timestamp}  ${point.device_id}  ${point.metric_name}  ${value}${unit}  (${notes.join(', ')})`;
}

async function payloadFrom(argument: string, terminal: Terminal): Promise<Uint8Array> {
  if (argument === '-') return await buffer(terminal.stdin);
  if (!argument.startsWith('@')) return Buffer.from(argument);
  try {
    return readFileSync(argument.slice(1));
  } catch (error) {
    throw new TidegateError('usage', `payload ${argument}: ${(error as Error).message}`, { cause: error });
  }
}
