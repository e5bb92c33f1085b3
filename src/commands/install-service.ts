import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { KEYS } from '../config/schema.ts';
import { TidegateError } from '../errors.ts';
import { unitName, unitText } from '../systemd/unit.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface Options {
  readonly config?: string;
  readonly instance?: boolean;
  readonly write?: string | true;
}

/** Where an administrator's units are: systemd.unit(5). */
const UNITS = '/etc/systemd/system';

/** Where the configuration of a service is by default; `%i` is the name of the instance. */
function configPath(template: boolean): string {
  return template ? '/etc/tidegate/%i.yaml' : '/etc/tidegate/tidegate.yaml';
}

/** `program`: the command line of Tidegate, up to its arguments. */
export function serviceUnit(
  program: readonly string[],
  template: boolean,
  config: string = configPath(template),
): string {
  const secret = KEYS.filter(({ sensitive }) => sensitive === true);
  const secrets = secret.map(({ name }) => name.replaceAll('.', '_'));
  return unitText({ program, config, template, secrets });
}

export function addInstallService(
  program: Command,
  terminal: Terminal,
  exit: (code: ExitCode) => void,
): void {
  program
    .command('install-service')
    .description('Print the systemd unit of this installation, or write it.')
    .option('-c, --config <file>', `the configuration of the service (default: ${configPath(false)})`)
    .option('--instance', `a template: an instance a configuration (default: ${configPath(true)})`)
    .option('--write [directory]', `write it, into ${UNITS} or another directory`)
    .addHelpText(
      'after',
      `
Writing needs the rights to, and replaces the unit that was written before: changes belong into a drop-in
(systemctl edit tidegate). Nothing is started.
Exit code 0: printed or written. 2: it cannot be written there.`,
    )
    .action((options: Options) => exit(install(terminal, options)));
}

function install(terminal: Terminal, { config, instance = false, write }: Options): ExitCode {
  if (instance && config !== undefined && !config.includes('%i')) {
    const detail = `--config ${config}: the path of a template has %i where the name of the instance goes`;
    throw new TidegateError('usage', detail);
  }
  const unit = { template: instance };
  const text = serviceUnit(terminal.program, instance, config === undefined ? undefined : resolve(config));
  if (write === undefined) {
    terminal.stdout.write(text);
    return 0;
  }
  const path = join(write === true ? UNITS : resolve(write), unitName(unit));
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new TidegateError('usage', `--write ${path}: ${(error as Error).message}`, { cause: error });
  }
  const name = instance ? 'tidegate@NAME' : 'tidegate';
  print(
    terminal.stdout,
    `${path} is written. Now:\n  systemctl daemon-reload\n  systemctl enable --now ${name}`,
  );
  return 0;
}
