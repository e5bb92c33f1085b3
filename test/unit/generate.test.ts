import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsMarkdown, listCommands } from '../../src/commands/manual.ts';
import { configurationMarkdown, errorsMarkdown } from '../../src/config/manual.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ROUTE, type RouteConfig } from '../../src/config/route.ts';
import { ROUTE_EXAMPLES } from '../../src/config/route-examples.ts';
import { KEYS } from '../../src/config/schema.ts';
import { SERIES_POLICY } from '../../src/config/series-policy.ts';
import { TOKEN } from '../../src/config/token.ts';
import { DEAD_LETTERS, FAILURES } from '../../src/errors.ts';
import { exampleYaml } from '../../src/config/sample.ts';
import { GENERATED_FILES } from '../../src/generate.ts';
import { yamlFile } from './config/yaml-file.ts';

for (const [path, render] of Object.entries(GENERATED_FILES)) {
  test(`${path} is as \`npm run generate\` writes it`, async () => {
    assert.equal(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), await render());
  });
}

test('the sample is valid as it is and says the defaults', (t) => {
  const config = loadConfig({ file: yamlFile(t, exampleYaml()), env: {} });
  assert.deepEqual(config, loadConfig({ env: { TIDEGATE_DATABASE_URL: config.database.url } }));
});

test('the sample means the same with every commented setting uncommented', (t) => {
  const commented = /^( *)#(?=[a-z_0-9]+:)/gm;
  assert.equal(exampleYaml().match(commented)?.length, KEYS.length - 1, 'all but database.url');
  const all = loadConfig({ file: yamlFile(t, exampleYaml().replaceAll(commented, '$1')), env: {} });
  assert.deepEqual(all, loadConfig({ file: yamlFile(t, exampleYaml()), env: {} }));
});

for (const { title, yaml } of ROUTE_EXAMPLES) {
  test(`example route: ${title}`, (t) => {
    const env = { TIDEGATE_DATABASE_URL: 'postgres://localhost/db' };
    const routes: readonly RouteConfig[] = loadConfig({ file: yamlFile(t, yaml), env }).routes;
    assert.ok(routes.length > 0);
  });
}

test('the manual names every key, every variable and every key of an item', () => {
  const manual = configurationMarkdown();
  for (const { name, env } of KEYS) {
    assert.ok(manual.includes(`| \`${name}\`<br>\`${env}\` |`), name);
  }
  for (const name of [ROUTE, TOKEN, SERIES_POLICY].flatMap(({ properties }) => Object.keys(properties))) {
    assert.ok(manual.includes(`| \`${name}\` |`), name);
  }
});

test('the page of commands has every command and every option', async () => {
  const page = await commandsMarkdown();
  for (const { name, command } of await listCommands()) {
    const section = page.slice(page.indexOf(`\n## tidegate ${name}\n`)).split('\n## ', 2)[1] ?? '';
    assert.ok(section.startsWith(`tidegate ${name}\n`), name);
    for (const { long } of command.options) assert.ok(section.includes(`${long}`), `${name} ${long}`);
  }
});

test('the page of errors has every code', () => {
  const page = errorsMarkdown();
  for (const code of Object.keys(DEAD_LETTERS)) assert.ok(page.includes(`| \`${code}\` |`), code);
  for (const code of Object.keys(FAILURES)) assert.ok(page.includes(`\n### ${code}\n`), code);
});
