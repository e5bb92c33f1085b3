import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { createFolder } from '../../support/folder.ts';
import { checkPromql } from '../../support/promql.ts';
import { needsPromtool, promtool } from '../../support/promtool.ts';
import { INTERVAL, MINUTES, SCENARIOS, type Scenario, WELL } from './alert-scenarios.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RULES = join(ROOT, 'config/prometheus/alerts.yml');
const RUNBOOKS = 'docs/runbooks.md';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as {
  groups: readonly { readonly rules: readonly Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const names = alerts.map(({ alert }) => alert);

test('every alert asks for metrics and labels that exist', () => {
  for (const { expr } of alerts) checkPromql(expr);
});

test('an expression that asks for what does not exist is found', () => {
  for (const wrong of [
    'tidegate_nothing > 0',
    'tidegate_lag_seconds > 1',
    'tidegate_pressure{status="full"}',
    'tidegate_pressure{state="closed"}',
    'tidegate_job_failures{job="aggregates",task="x"}',
    'sum by (topic) (tidegate_balanced)',
    'tidegate_balanced ==',
  ]) {
    assert.throws(() => checkPromql(wrong), assert.AssertionError, wrong);
  }
});

test('every alert says how bad it is, what it is, what that means, and where to read on', () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels['severity'] ?? '', /^(warning|critical)$/, alert);
    assert.ok(annotations['summary'], alert);
    assert.match(annotations['description'] ?? '', /\.$/, alert);
    assert.equal(annotations['runbook_url'], `${RUNBOOKS}#${alert.toLowerCase()}`, alert);
  }
});

test('every alert has its runbook, and every runbook its alert', () => {
  const page = readFileSync(join(ROOT, RUNBOOKS), 'utf8');
  assert.deepEqual(new Set(Array.from(page.matchAll(/^### (\w+)$/gm), ([, name]) => name)), new Set(names));
});

test('every alert is raised by a scenario', () => {
  assert.deepEqual(new Set(SCENARIOS.flatMap((scenario) => scenario.alerts)), new Set(names));
});

test('each scenario raises its alerts and no other', needsPromtool, async () => {
  await using folder = await createFolder();
  const file = join(folder.path, 'scenarios.json');
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify({
      rule_files: [RULES],
      evaluation_interval: `${INTERVAL}m`,
      tests: SCENARIOS.map(asTest),
    }),
  );
  const { code, output } = promtool(['test', 'rules', file]);
  assert.equal(code, 0, output);
});

test('Prometheus takes the rules and the configuration', needsPromtool, () => {
  const { code, output } = promtool(['check', 'rules', '--lint-fatal', RULES]);
  assert.equal(code, 0, output);
  const config = join(ROOT, 'config/prometheus/prometheus.yml');
  const checked = promtool(['check', 'config', '--syntax-only', config]);
  assert.equal(checked.code, 0, checked.output);
});

/** All that fires at the end, by its name: a series ALERTS is what Prometheus keeps of it. */
function asTest({ name, samples, without = [], alerts: expected }: Scenario): object {
  const series = Object.entries({ ...WELL, ...samples }).filter(([one]) => !without.includes(one));
  return {
    name,
    interval: `${INTERVAL}m`,
    input_series: series.map(([one, values]) => ({ series: ofTarget(one), values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: `${MINUTES}m`,
        exp_samples: expected.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
      },
    ],
  };
}

/** As Prometheus labels what it scrapes. */
function ofTarget(series: string): string {
  const [name, labels = ''] = series.split(/[{}]/);
  return `${name}{job="tidegate",instance="tidegate:8001"${labels === '' ? '' : `,${labels}`}}`;
}
