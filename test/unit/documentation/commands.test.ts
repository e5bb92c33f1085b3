/** Every command that a page names is there, with the options that it shows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { listCommands } from '../../../src/commands/manual.ts';
import { inlineCode, PAGES } from '../../support/pages.ts';

/** Where the word before it says that `tidegate` is a service, a user or a database. */
const OTHERWISE =
  /(?:^|\s)(?:-[uUdt]|exec|status|reload|restart|start|stop|enable|disable|edit|security|--now|user) $/;
const COMMAND = /(?<=^|[\s(|;&])tidegate (?!tidegate )([^\n|;&#`]+)/g;

const commands: ReadonlyMap<string, Command> = new Map(
  (await listCommands()).flatMap(({ name, command }) =>
    [name, ...command.aliases()].map((known) => [known, command]),
  ),
);

for (const page of PAGES) {
  const code = [...page.blocks.map(({ text }) => text), ...inlineCode(page)]
    .map((part) => part.replaceAll('npm run -s tidegate -- ', 'tidegate ').replaceAll(/\\\n\s*/g, ''))
    .join('\n');
  test(`${page.path}: every command is there, with its options`, () => {
    for (const match of code.matchAll(COMMAND)) {
      const line = code.slice(0, match.index).split('\n').at(-1) ?? '';
      if (!OTHERWISE.test(line)) assertCommand((match[1] as string).trim());
    }
  });
}

function assertCommand(text: string): void {
  const words = text.replaceAll(/'[^']*'|"[^"]*"/g, "''").split(/\s+/);
  const [first = '', second = ''] = words;
  if (['--version', '--help', '--'].includes(first) || !/^[a-z][a-z-]+$/.test(first)) return;
  const groups = [...commands.keys()].filter((name) => name.startsWith(`${first} `));
  const command = commands.get(`${first} ${second}`) ?? commands.get(first);
  assert.ok(command !== undefined || (groups.length > 0 && words.length === 1), `tidegate ${text}`);
  for (const [option] of words.join(' ').matchAll(/(?<= )--?[a-z][\w-]*/g)) {
    const all = [...(command?.options ?? []), ...(command?.parent?.options ?? [])];
    const known = ['--help', ...all.flatMap(({ long, short }) => [long, short])];
    assert.ok(known.includes(option), `tidegate ${text}: ${option}`);
  }
}
