import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobRun } from '../../../src/scheduler/types.ts';
import { schedulerLog } from '../../../src/telemetry/scheduler-log.ts';

function observed() {
  const lines: string[] = [];
  const at = (level: string) => (_fields: object, text: string) => void lines.push(`${level}: ${text}`);
  const logger = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, log: schedulerLog(logger) };
}

function run(error: string | null): JobRun {
  const outcome = error === null ? 'succeeded' : 'failed';
  return { job: 'chunks', startedAt: 0, finishedAt: 5, outcome, rows: null, detail: null, error };
}

test('a failing job is told once for each reason, and when it succeeds again', () => {
  const { lines, log } = observed();
  log.ran(run(null), 0);
  for (const [failures, reason] of ['a', 'a', 'b', 'b', 'a'].entries()) log.ran(run(reason), failures + 1);
  log.ran(run(null), 0);
  log.ran(run(null), 0);
  const failed = 'warn: The job chunks failed, and comes again: ';
  assert.deepEqual(lines, [`${failed}a`, `${failed}b`, `${failed}a`, 'info: The job chunks succeeds again']);
});

test('an interrupted run is nobody’s fault', () => {
  const { lines, log } = observed();
  log.ran(run('interrupted: the scheduler stops'), 0);
  assert.deepEqual(lines, []);
});

test('trouble is told once, until it is over', () => {
  const { lines, log } = observed();
  for (let attempt = 0; attempt < 3; attempt++) log.troubled(new Error('no answer'));
  log.led(1, []);
  log.followed();
  log.troubled(new Error('no answer'));
  assert.deepEqual(
    lines.map((line) => line.slice(0, 21)),
    ['warn: The scheduler c', 'info: This process ru', 'info: This process ru', 'warn: The scheduler c'],
  );
});
