import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PAGES } from '../../support/pages.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['.', 'docs/adr'];
const ALL = [
  ...PAGES.map(({ path }) => path),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith('.md') && file !== 'README.md')
      .map((file) => join(folder, file)),
  ),
];

for (const page of ALL) {
  const text = readFileSync(join(ROOT, page), 'utf8');

  test(`${page}: every link within the repository leads somewhere`, () => {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(page), target as string)), target);
    }
  });

  test(`${page}: every file that it names is there`, () => {
    for (const [, path] of text.matchAll(/`((?:src|test|sql|config|docs)\/[\w./-]+)`/g)) {
      assert.ok(existsSync(join(ROOT, path as string)), path);
    }
  });

  test(`${page}: every npm script that it names is there`, () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    for (const [, script] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      assert.ok(Object.hasOwn(scripts, script as string), script);
    }
  });
}
