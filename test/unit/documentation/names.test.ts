/** Every key, variable, metric and endpoint that a page names is there. That each is in a page, test/unit/generate.test.ts says. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KEYS } from '../../../src/config/schema.ts';
import { DEAD_LETTERS, FAILURES } from '../../../src/errors.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/reference.ts';
import { inlineCode, type Page, PAGES } from '../../support/pages.ts';

const SECTIONS = new Set(KEYS.map(({ name }) => name.split('.')[0] as string));
const NAMES = KEYS.map(({ name }) => name);
const FILES = /\.(yaml|yml|md|json|sh|conf|ts|service|example|db|key|crt|log)$/;
/** That are no keys of the configuration. */
const OTHER_VARIABLES = /^TIDEGATE_(TOKEN$|TEST_|BENCH_)/;
/** Of a histogram. */
const SUFFIX = /_(bucket|sum|count)$/;
/** What else begins so: the user of Grafana, and the schema of a drill. */
const OTHER_NAMES = new Set(['reader', 'drill_']);
/** As docs/api.md heads them. */
const ENDPOINTS = [
  ...readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8').matchAll(
    /^### `[A-Z]+ (\S+)`$/gm,
  ),
].map(([, path]) => path as string);

for (const page of PAGES) {
  test(`${page.path}: every key and variable is there`, () => {
    for (const [word] of codeOf(page).matchAll(/(?<![\w./$@-])[a-z_]+(?:\.[a-z0-9_]+)+(?![\w/(*])/g)) {
      if (!SECTIONS.has(word.split('.')[0] as string) || FILES.test(word)) continue;
      assert.ok(
        NAMES.some((name) => name === word || name.startsWith(`${word}.`)),
        word,
      );
    }
    for (const [word] of page.text.matchAll(/\bTIDEGATE_[A-Z0-9_]*[A-Z0-9]\b/g)) {
      if (OTHER_VARIABLES.test(word)) continue;
      assert.ok(
        KEYS.some(({ env }) => env === word),
        word,
      );
    }
  });

  test(`${page.path}: every metric is there`, () => {
    for (const [, name = ''] of page.text.matchAll(new RegExp(`\\b${METRIC_PREFIX}([a-z_]+)\\b`, 'g'))) {
      if (OTHER_NAMES.has(name)) continue;
      assert.ok(Object.hasOwn(METRICS, name) || Object.hasOwn(METRICS, name.replace(SUFFIX, '')), name);
    }
  });

  test(`${page.path}: every endpoint is there`, () => {
    for (const [, path = ''] of codeOf(page).matchAll(/(?<![a-z.*{}-])(\/api\/[\w/{}.-]*[\w}])/g)) {
      const known = path.replace('/api/v1/', '/api/');
      assert.ok(
        ENDPOINTS.some((endpoint) => pattern(endpoint).test(known)),
        path,
      );
    }
  });
}

test('the runbooks name codes that the log can name', () => {
  const runbooks = PAGES.find(({ path }) => path === 'docs/runbooks.md')?.text ?? '';
  const codes = [...runbooks.matchAll(/`([a-z]+_[a-z]+)`: /g)].map(([, code]) => code as string);
  assert.ok(codes.length > 0);
  for (const code of codes)
    assert.ok(Object.hasOwn(FAILURES, code) || Object.hasOwn(DEAD_LETTERS, code), code);
});

function codeOf(page: Page): string {
  // Other programs have keys of their own.
  const ours = page.blocks.filter(({ kind }) => !/ (?:emqx|home-assistant|zigbee2mqtt)$/.test(kind));
  return [...ours.map(({ text }) => text), ...inlineCode(page)].join('\n');
}

function pattern(endpoint: string): RegExp {
  return new RegExp(`^${endpoint.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}
