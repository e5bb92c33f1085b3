import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { addExplain } from '../../../src/commands/explain.ts';
import { yamlFile } from '../../unit/config/yaml-file.ts';
import { runCommand } from './command-run.ts';

const PAGE = readFileSync(new URL('../../../docs/routes.md', import.meta.url), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language,
  text,
}));

suite('Every example of docs/routes.md', () => {
  let routes = '';
  for (const [index, { language, text = '' }] of BLOCKS.entries()) {
    if (language === 'yaml') routes = text;
    if (language !== 'sh') continue;
    const [yaml, printed] = [routes, BLOCKS[index + 1]?.text];
    const [, topic = '', payload = ''] = /^tidegate explain (\S+) '(.*)'\n$/.exec(text) ?? [];
    test(topic, async (t) => {
      const run = runCommand(addExplain, ['explain', '--config', yamlFile(t, yaml), topic, payload]);
      assert.equal(await run.ended, 0, run.stderr() + run.stdout());
      assert.equal(run.stdout(), printed);
    });
  }
});
