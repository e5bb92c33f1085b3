/** The pages for operators: whatever they tell to type or to set is there. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runCommand } from '../../../src/commands/program.ts';
import { KEYS } from '../../../src/config/schema.ts';
import { DEAD_LETTERS, FAILURES } from '../../../src/errors.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/reference.ts';

const SECTIONS = new Set(KEYS.map(({ name }) => name.split('.')[0] as string));
const NAMES = KEYS.map(({ name }) => name);
const FILES = /\.(yaml|yml|md|json|sh|conf)$/;

for (const page of ['runbooks.md', 'grafana.md', 'containers.md']) {
  const content = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
    // A service of that name is no command.
    .replaceAll('exec tidegate tidegate', 'exec: tidegate');
  const code = [...content.matchAll(/`([^`\n]+)`/g), ...content.matchAll(/```\w*\n([^`]+)```/g)].map(
    ([, part]) => part as string,
  );

  test(`${page}: every command is there, with its options`, async () => {
    const helps = new Map<string, Promise<string>>();
    for (const [, words, rest] of code
      .join('\n')
      .matchAll(/(?:^|[ ])tidegate ([a-z][a-z -]*?)(?= --| [A-Z'#]|$)(.*)/gm)) {
      const command = words as string;
      if (!helps.has(command)) helps.set(command, help(command));
      const shown = (await helps.get(command)) as string;
      const usage = /^Usage: tidegate ([a-z|-]+(?: [a-z-]+)*)/.exec(shown)?.[1]?.replace(/\|.*/, '');
      assert.ok(usage !== undefined && command.startsWith(usage), `tidegate ${command}: ${usage}`);
      for (const [option] of (rest as string).split('#')[0]?.matchAll(/--[a-z-]+/g) ?? []) {
        assert.ok(shown.includes(option), `tidegate ${command} ${option}`);
      }
    }
    assert.ok(helps.size > 0);
  });

  test(`${page}: every key, variable and metric is there`, () => {
    for (const [word] of code.join('\n').matchAll(/(?<![\w./-])[a-z_]+(?:\.[a-z0-9_]+)+/g)) {
      if (!SECTIONS.has(word.split('.')[0] as string) || FILES.test(word)) continue;
      assert.ok(
        NAMES.some((name) => name === word || name.startsWith(`${word}.`)),
        word,
      );
    }
    for (const [word] of content.matchAll(/\bTIDEGATE_[A-Z0-9_]+/g)) {
      assert.ok(
        KEYS.some(({ env }) => env === word),
        word,
      );
    }
    for (const [, word] of content.matchAll(new RegExp(`\\b${METRIC_PREFIX}([a-z_]+)`, 'g'))) {
      assert.ok(word === 'reader' || Object.hasOwn(METRICS, word as string), word);
    }
  });
}

test('the runbooks name codes that the log can name', () => {
  const page = readFileSync(new URL('../../../docs/runbooks.md', import.meta.url), 'utf8');
  for (const [, code] of page.matchAll(/`([a-z]+_[a-z]+)`: /g)) {
    assert.ok(Object.hasOwn(FAILURES, code as string) || Object.hasOwn(DEAD_LETTERS, code as string), code);
  }
});

async function help(command: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const never = new AbortController().signal;
  const streams = {
    stdin,
    stdout,
    stderr,
    env: {},
    isTerminal: false,
    version: '',
    program: ['node'] as const,
  };
  await runCommand(['node', 'tidegate', ...command.trim().split(' '), '--help'], {
    ...streams,
    program: ['node'],
    stopped: never,
    killed: never,
    onHangup: () => {},
    monotonic: () => 0n,
  });
  stdout.end();
  return text(stdout);
}
