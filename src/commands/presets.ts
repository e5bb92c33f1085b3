import type { Command } from 'commander';
import { presetRoutes } from '../config/preset-routes.ts';
import { PRESETS, presetNamed } from '../decode/presets/table.ts';
import { TidegateError } from '../errors.ts';
import { presetYaml } from '../preset-manual.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

export function addPresets(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('presets')
    .description(
      'The kinds of devices that a route can name by `preset:`, or what becomes of one and its routes.',
    )
    .argument('[name]', 'a preset; default: a line for each')
    .option('--json', 'print an array, or the routes of the one with every key, as JSON')
    .addHelpText(
      'after',
      `
docs/presets.md has what becomes of each, with examples. In a configuration:

  routes:
    - preset: zigbee2mqtt
      base: home/zigbee`,
    )
    .action((name: string | undefined, { json }: { readonly json?: boolean }) => {
      print(terminal.stdout, name === undefined ? list(json === true) : show(name, json === true));
      exit(0);
    });
}

function list(json: boolean): string {
  if (json)
    return JSON.stringify(
      PRESETS.map(({ name, title, base, reference }) => ({ name, title, base, reference })),
    );
  const width = Math.max(...PRESETS.map(({ name }) => name.length));
  return PRESETS.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join('\n');
}

function show(name: string, json: boolean): string {
  const preset = presetNamed(name);
  if (preset === undefined) {
    const names = PRESETS.map((known) => known.name).join(', ');
    throw new TidegateError('usage', `there is no preset ${JSON.stringify(name)}; there are: ${names}`);
  }
  if (json) return JSON.stringify(presetRoutes(preset));
  const about = preset.about.split('\n').map((line) => `# ${line}`);
  return [`# ${preset.title}`, `# ${preset.reference}`, '#', ...about, presetYaml(preset)].join('\n');
}
