/** Every block of code of some pages that can be executed is, in the order of the page. A server for all of them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { addExplain } from '../../../src/commands/explain.ts';
import { mosquittoPath, startBroker } from '../../support/broker.ts';
import { interpolated } from '../../support/dashboards.ts';
import { startQuickPostgres, type TestPostgres } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { Block, Page } from '../../support/pages.ts';
import { yamlFile } from '../../unit/config/yaml-file.ts';
import { EXECUTED } from '../../unit/documentation/block-kinds.ts';
import { runCommand } from '../commands/command-run.ts';
import { assertPrinted, commandsOf } from './printed.ts';
import { prepare } from './fixtures.ts';
import { EXECUTED_ELSEWHERE, Machine } from './machine.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TOOLS = ['bash', 'psql', 'curl', 'openssl'];
const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
const needsTools = {
  skip:
    (mosquittoPath === null || missing.length > 0) &&
    `needs mosquitto, ${TOOLS.join(', ')}, of which some are missing here`,
};
/** What Grafana would put in. */
const CHOSEN = {
  from: new Date(Date.now() - 3_600_000),
  to: new Date(),
  interval: '1m',
  variables: { device: ['boiler'], metric: ['temperature'] },
};

/** One page after the other: what a page makes on the server is forgotten before the next. */
export function executePages(pages: readonly Page[]): void {
  suite('the blocks of the pages', needsTools, () => {
    let server: TestPostgres;
    before(async () => {
      server = await startQuickPostgres();
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
    });

    for (const { path, text, blocks } of pages) {
      const executed: readonly string[] = EXECUTED;
      if (!blocks.some(({ kind }) => executed.includes(kind))) continue;
      const elsewhere = EXECUTED_ELSEWHERE[path];
      if (elsewhere !== undefined) {
        test(`${path}: ${elsewhere} is there`, () => assert.ok(existsSync(join(ROOT, elsewhere))));
        continue;
      }
      test(path, async (t) => {
        await using machine = await Machine.open({ server: server.url, text });
        await using devices = await prepare(path, machine);
        void devices;
        for (const [index, block] of blocks.entries()) {
          if (block.kind === 'yaml') machine.write('tidegate.yaml', block.text);
          if (!executed.includes(block.kind)) continue;
          const next = blocks[index + 1];
          const printed = next?.kind === 'text' && next.follows ? next.text : null;
          const routes = blocks.slice(0, index).findLast(({ kind }) => kind === 'yaml')?.text ?? '';
          await t.test(block.place, async (inner) => {
            if (block.kind === 'sh explain') await explain(block, yamlFile(inner, routes), printed);
            else await execute(machine, block, printed);
          });
        }
      });
    }
  });
}

async function execute(machine: Machine, { kind, text }: Block, printed: string | null): Promise<void> {
  if (kind === 'conf mosquitto' || kind === 'acl mosquitto') {
    if (kind === 'acl mosquitto') machine.write('acl', text);
    const conf = kind === 'acl mosquitto' ? `acl_file ${machine.folder}/acl` : text;
    const lines = machine.located(conf).split('\n');
    const broker = await startBroker({
      kind: 'mosquitto',
      config: lines.filter((line) => !line.startsWith('listener ') && line !== 'persistence true'),
      persistence: lines.includes('persistence true'),
    });
    // It runs, so it took every line. mosquitto forgets a SIGTERM of its first moment.
    await broker.kill();
    await broker[Symbol.asyncDispose]();
    return;
  }
  if (kind === 'console') {
    for (const { command, output } of commandsOf(text)) {
      const ran = await machine.run(command);
      if (!command.includes(' drill ')) assertPrinted(ran.output, output);
    }
    return;
  }
  // The scheduler of the page's daemon may be at the same job.
  const ran = await eventually('no other process runs the job', async () => {
    const once = await run(machine, kind, text);
    return !once.output.includes('job_running: ') && once;
  });
  assert.equal(ran.code, 0, ran.output);
  if (printed !== null) assertPrinted(ran.output, printed);
}

async function run(machine: Machine, kind: string, text: string): Promise<{ code: number; output: string }> {
  if (kind === 'sh') return await machine.run(text);
  if (kind === 'ts') {
    const library = pathToFileURL(join(ROOT, 'src/library.ts')).href;
    machine.write('example.ts', text.replace("'tidegate'", `'${library}'`));
    return await machine.run('node example.ts');
  }
  return await machine.query(kind === 'sql grafana' ? interpolated(text, CHOSEN) : text, {
    superuser: kind === 'sql superuser',
  });
}

/** In this process, by the routes of the configuration that the page shows last: there are many of these. */
async function explain({ text }: Block, file: string, printed: string | null): Promise<void> {
  const [, topic = '', payload = ''] = /^tidegate explain (\S+) '(.*)'\n$/.exec(text) ?? [];
  const ran = runCommand(addExplain, ['explain', '--config', file, topic, payload], {
    env: { TIDEGATE_DATABASE_URL: 'postgres://localhost/db' },
  });
  assert.equal(await ran.ended, 0, ran.stderr() + ran.stdout());
  assertPrinted(ran.stdout(), printed ?? '');
}
