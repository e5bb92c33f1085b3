import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { examine } from '../doctor/doctor.ts';
import type { Diagnosis, Finding, Level } from '../doctor/finding.ts';
import { printable } from './printable.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly all?: boolean;
}

const TITLES = { server: 'PostgreSQL', broker: 'MQTT broker', host: 'this machine' } as const;
/** The worst first. */
const LEVELS: readonly Level[] = ['problem', 'warning', 'advice', 'ok'];

export function addDoctor(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description(
      'Look at the settings of PostgreSQL, the broker and this machine: what they are, should be, and why.',
    )
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option(
      '--json',
      'print {findings: [{area, what, is, should, why, remedy, level}], unseen: [{area, what, why}]}',
    )
    .option('--all', 'also why what is well is so')
    .addHelpText(
      'after',
      `
Changes nothing: the line below each finding puts it right, once you run it. Levels: problem (what was taken can be lost, or
Tidegate cannot work, now or within days), warning (messages can be lost on their way, or it gets worse), advice (would
be faster or smaller), ok. The broker is visited under client ids of its own; a running daemon is not disturbed.
Managed services refuse ALTER SYSTEM: set the same there by their own means. More: docs/tuning.md.
Exit code 0: no problem. 1: a problem, or the database or the broker does not answer. 2: bad usage or configuration.`,
    )
    .action(async (options: DoctorOptions) => exit(await doctor(terminal, options)));
}

async function doctor(terminal: Terminal, options: DoctorOptions): Promise<ExitCode> {
  const config = loadConfig({ file: options.config, env: terminal.env });
  const diagnosis = await examine(config);
  print(
    terminal.stdout,
    options.json === true ? JSON.stringify(diagnosis) : describe(diagnosis, options.all === true),
  );
  return diagnosis.findings.some(({ level }) => level === 'problem') ? 1 : 0;
}

function describe({ findings, unseen }: Diagnosis, all: boolean): string {
  const lines: string[] = [];
  for (const [area, title] of Object.entries(TITLES)) {
    const found = findings.filter((finding) => finding.area === area);
    const hidden = unseen.filter((one) => one.area === area);
    if (found.length + hidden.length === 0) continue;
    lines.push(title);
    for (const level of LEVELS) {
      for (const finding of found) if (finding.level === level) lines.push(...findingLines(finding, all));
    }
    for (const { what, why } of hidden)
      lines.push(`  ${'not seen'.padEnd(8)} ${printable(`${what}: ${why}`)}`);
    lines.push('');
  }
  const total = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const totals = [
    `${total('problem')} ${total('problem') === 1 ? 'problem' : 'problems'}`,
    `${total('warning')} ${total('warning') === 1 ? 'warning' : 'warnings'}`,
    `${total('advice')} of advice`,
    `${total('ok')} ok`,
  ];
  return [...lines, totals.join(', ')].join('\n');
}

function findingLines({ level, what, is, should, why, remedy }: Finding, all: boolean): string[] {
  const first = `  ${level.padEnd(8)} ${what}: ${is}`;
  if (level === 'ok' && !all) return [printable(first)];
  return [
    `${first}; should be ${should}`,
    `             ${why}`,
    ...(remedy === null ? [] : [`           > ${remedy}`]),
  ].map(printable);
}
