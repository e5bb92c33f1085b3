import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  METRIC_PREFIX,
  METRICS,
  type MetricEntry,
  metricsMarkdown,
} from '../../../src/telemetry/reference.ts';

const entries = Object.entries(METRICS) as [string, MetricEntry][];

test('names follow the conventions of Prometheus', () => {
  for (const [name, entry] of entries) {
    assert.match(name, /^[a-z][a-z0-9_]*$/);
    assert.equal(name.endsWith('_total'), entry.type === 'counter', `${name}: counters alone end in _total`);
    assert.doesNotMatch(name, /_(ms|milliseconds|us|minutes|kb|kib|mb)(_|$)/, `${name}: base units`);
    assert.match(entry.help, /\.$/, `${name}: a sentence`);
    assert.equal(entry.buckets !== undefined, entry.type === 'histogram', name);
  }
});

test('no label grows with the devices', () => {
  for (const [name, entry] of entries) {
    for (const label of Object.keys(entry.labels ?? {})) {
      assert.doesNotMatch(label, /device|topic|metric|series|client/, name);
    }
  }
});

test('the page names every metric with its type, labels and help', () => {
  const page = metricsMarkdown();
  for (const [name, entry] of entries) {
    const row = page
      .split('\n')
      .find((line) => line.startsWith(`| \`${METRIC_PREFIX}${name}\` | ${entry.type} |`));
    const merged = { min: ' Of several workers the least.', max: ' Of several workers the greatest.' };
    assert.ok(row?.endsWith(`| ${entry.help}${entry.merged ? merged[entry.merged] : ''} |`), name);
    for (const label of Object.keys(entry.labels ?? {})) assert.ok(row?.includes(`\`${label}\``), name);
  }
});
