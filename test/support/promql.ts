/** Expressions of Prometheus, by its own grammar, held against the metrics that there are. */

import assert from 'node:assert/strict';
import { parser } from '@prometheus-io/lezer-promql';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { METRIC_PREFIX, METRICS, type MetricEntry } from '../../src/telemetry/reference.ts';

type Labels = Readonly<Record<string, readonly string[] | null>>;

/** Of Prometheus itself, and of prom/node-exporter. */
const FOREIGN: Readonly<Record<string, Labels>> = {
  up: {},
  ALERTS: { alertname: null, alertstate: ['pending', 'firing'], severity: null },
  node_filesystem_avail_bytes: { fstype: null, mountpoint: null },
  node_filesystem_size_bytes: { fstype: null, mountpoint: null },
};
/** What Prometheus adds to everything that it scrapes. */
const TARGET: Labels = { job: null, instance: null };

const KNOWN = knownMetrics();

/** Throws where it does not parse, or asks for a metric, a label or a label's value that does not exist. */
export function checkPromql(expression: string): void {
  const cursor = parser.parse(expression).cursor();
  const text = () => expression.slice(cursor.from, cursor.to);
  let labels: Labels = {};
  const used: Record<string, true> = {};
  const groupings: string[] = [];
  let label = '';
  let operator = '';
  do {
    assert.ok(!cursor.type.isError, `${expression}: cannot be parsed at ${cursor.from}: ${text()}`);
    switch (cursor.name) {
      case 'VectorSelector': {
        const name = /^[\w:]*/.exec(text())?.[0] ?? '';
        const known = KNOWN.get(name);
        assert.ok(known, `${expression}: no metric ${name}`);
        labels = { ...TARGET, ...known };
        for (const one of Object.keys(labels)) used[one] = true;
        break;
      }
      case 'GroupingLabels':
        groupings.push(
          ...text()
            .replaceAll(/[()]/g, ' ')
            .split(/[\s,]+/)
            .filter(Boolean),
        );
        break;
      case 'LabelName':
        label = text();
        break;
      case 'MatchOp':
      case 'EqlSingle':
      case 'EqlRegex':
      case 'Neq':
      case 'NeqRegex':
        operator = text();
        break;
      case 'UnquotedLabelMatcher':
        operator = '';
        break;
      case 'StringLiteral':
        if (operator !== '') checkMatcher(expression, labels, label, operator, text().slice(1, -1));
        operator = '';
        break;
      default:
    }
  } while (cursor.next());
  for (const grouping of groupings) assert.ok(used[grouping], `${expression}: no label ${grouping}`);
}

function checkMatcher(
  expression: string,
  labels: Labels,
  label: string,
  operator: string,
  value: string,
): void {
  const values = labels[label];
  assert.notEqual(values, undefined, `${expression}: no label ${label}`);
  if (values === null || values === undefined || value.startsWith('$')) return;
  for (const one of operator.includes('~') ? value.split('|') : [value]) {
    assert.ok(values.includes(one), `${expression}: ${label} is never ${one}`);
  }
}

/** The names of samples, with their labels. */
function knownMetrics(): ReadonlyMap<string, Labels> {
  const known = new Map<string, Labels>(Object.entries(FOREIGN));
  // Those of the process and of Node.js, which no table of ours has.
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) known.set(name, {});
  for (const [name, entry] of Object.entries(METRICS) as [string, MetricEntry][]) {
    // Prometheus has a label `job` of its own and renames ours.
    const labels = Object.fromEntries(
      Object.entries(entry.labels ?? {}).map(([label, values]) => [
        label === 'job' ? 'exported_job' : label,
        values,
      ]),
    );
    known.set(METRIC_PREFIX + name, labels);
    if (entry.type !== 'histogram') continue;
    known.delete(METRIC_PREFIX + name);
    known.set(`${METRIC_PREFIX}${name}_bucket`, { ...labels, le: null });
    for (const suffix of ['_sum', '_count']) known.set(METRIC_PREFIX + name + suffix, labels);
  }
  return known;
}
