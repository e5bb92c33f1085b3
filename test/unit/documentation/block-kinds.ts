/** How each kind of block in the pages is tried: what stands behind its fence says which. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { checkPromql } from '../../support/promql.ts';
import { temporaryFolder, yamlFile } from '../config/yaml-file.ts';

type Check = (text: string, t: TestContext) => void;

/** Kinds that this folder tries. The others are executed on a machine of the page's own (test/integration/documentation). */
export const READ: Readonly<Record<string, Check>> = {
  yaml: asConfiguration,
  'yaml zigbee2mqtt': asForeignYaml,
  'yaml home-assistant': asForeignYaml,
  json: (text) => void JSON.parse(text),
  'toml telegraf': (text) => assert.ok(Object.keys(parseToml(text)).length > 0),
  /** A preset's routes, as they are: an item adds what they lack. */
  'yaml preset': asForeignYaml,
  'hocon emqx': (text) => assert.match(text, /^(?:[\w.]+ = \S+\n)+$/),
  'conf postgresql': (text) => assert.match(text, /^(?:(?:[a-z_]+ = .+|#.*|)\n)+$/),
  'ini systemd': asUnit,
  promql: checkPromql,
  /** Drawings, and what a command prints: the latter is compared where it follows the command. */
  text: () => {},
  sh: asShell,
  'sh explain': asShell,
  console: (text) => assert.match(text, /^\$ /),
};

export const EXECUTED = [
  'sh',
  'sh explain',
  'console',
  'sql',
  'sql grafana',
  'sql superuser',
  'conf mosquitto',
  'acl mosquitto',
  'ts',
] as const;

/** All of a configuration or a part of it; files that it names are there. */
function asConfiguration(text: string, t: TestContext): void {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'etc'));
  const file = yamlFile(
    t,
    text.replaceAll(/\/etc\/[\w./-]+/g, (path) => {
      const here = join(folder, 'etc', basename(path));
      writeFileSync(here, '');
      return here;
    }),
  );
  const variables = /^database:(?: \{|\n +)url:/m.test(text)
    ? {}
    : { TIDEGATE_DATABASE_URL: 'postgres://localhost/db' };
  loadConfig({ file, env: variables });
}

function asForeignYaml(text: string): void {
  assert.equal(typeof parseYaml(text), 'object');
}

/** Sections and settings; continued lines and comments are not used here. */
function asUnit(text: string): void {
  for (const line of text.split('\n')) assert.match(line, /^(?:\[\w+\]|[A-Z]\w+=.*|)$/);
}

function asShell(text: string): void {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
