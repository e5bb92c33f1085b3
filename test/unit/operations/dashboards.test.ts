import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { DASHBOARDS, interpolatedPromql } from '../../support/dashboards.ts';
import { createFolder } from '../../support/folder.ts';
import { checkPromql } from '../../support/promql.ts';
import { needsPromtool, promtool } from '../../support/promtool.ts';

const PROVISIONED = new URL('../../../config/grafana/provisioning/', import.meta.url);
const { datasources } = parse(readFileSync(new URL('datasources/tidegate.yml', PROVISIONED), 'utf8')) as {
  datasources: readonly { readonly type: string; readonly uid: string }[];
};

test('both dashboards are there, and lead to each other', () => {
  assert.deepEqual(
    DASHBOARDS.map(({ uid }) => uid),
    ['tidegate-fleet', 'tidegate-health'],
  );
  for (const { links } of DASHBOARDS) {
    for (const { url } of links)
      assert.ok(
        DASHBOARDS.some(({ uid }) => url === `/d/${uid}`),
        url,
      );
  }
});

for (const { uid, panels, templating, schemaVersion } of DASHBOARDS) {
  test(`${uid}: every data source is provisioned, with its type`, () => {
    const sources = [...panels.flatMap(({ targets = [] }) => targets), ...templating.list].map(
      ({ datasource }) => datasource,
    );
    assert.ok(sources.length > 0);
    for (const { type, uid: wanted } of sources) {
      assert.equal(datasources.find((source) => source.uid === wanted)?.type, type, wanted);
    }
  });

  test(`${uid}: panels have ids and places of their own, as Grafana 11 reads them`, () => {
    assert.equal(schemaVersion, 39);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      assert.ok(title !== '' && gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          const other = taken.get(`${x},${y}`);
          assert.equal(other, undefined, `${title} lies on ${other}`);
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  test(`${uid}: every question to Prometheus asks for metrics and labels that exist`, () => {
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        if (expr === undefined) continue;
        assert.doesNotThrow(() => checkPromql(interpolatedPromql(expr)), `${title}: ${expr}`);
      }
    }
    for (const { query } of templating.list) {
      if (typeof query === 'string') continue;
      const selector = /^label_values\((.*), \w+\)$/.exec(query.query)?.[1];
      assert.ok(selector, query.query);
      checkPromql(selector);
    }
  });
}

// The grammar knows no types: a rate of what is no range only Prometheus refuses.
test('Prometheus takes every question', needsPromtool, async () => {
  const rules = DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets))
    .flatMap(({ expr }) => (expr === undefined ? [] : [interpolatedPromql(expr)]))
    .map((expr, index) => ({ record: `question:${index}`, expr }));
  await using folder = await createFolder();
  const file = join(folder.path, 'questions.json');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboards', rules }] }));
  const { code, output } = promtool(['check', 'rules', file]);
  assert.equal(code, 0, output);
});

test('a question without a data source, or of a metric that is gone, would be found', () => {
  const questions = DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets));
  assert.ok(questions.filter(({ expr }) => expr !== undefined).length > 20);
  assert.throws(() => checkPromql('tidegate_gone{instance=~"$instance"}'));
});
