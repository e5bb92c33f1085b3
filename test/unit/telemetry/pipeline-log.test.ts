import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpoolError, WriteError } from '../../../src/errors.ts';
import type { Batch, WriteReport } from '../../../src/pipeline/types.ts';
import { pipelineLog } from '../../../src/telemetry/pipeline-log.ts';

function watch() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message });
  const clock = { ms: 0 };
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const observer = pipelineLog(logger, () => clock.ms);
  const commit = (topics: readonly string[] = []) =>
    observer.committed(
      {
        deliveries: topics.map((topic) => ({ topic })),
        deadLetters: topics.slice(1).map((_, index) => ({ messageIndex: index + 1, code: 'no_route' })),
      } as unknown as Batch,
      {
        refused: topics.slice(0, 1).map(() => ({ messageIndex: 0, code: 'series_limit' })),
      } as unknown as WriteReport,
      0.1,
      0.1,
    );
  return { lines, clock, observer, commit };
}

test('an outage is a line at its start, one every ten seconds, and one at its end', () => {
  const { lines, clock, observer, commit } = watch();
  commit();
  for (clock.ms = 0; clock.ms <= 20_000; clock.ms += 500) {
    observer.writeFailed(new WriteError('retry', '57P01', 'shutting down'), 1, 0.5);
  }
  commit();
  commit();
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields['failures'] ?? fields['seconds']]),
    [
      ['warn', 1],
      ['warn', 20],
      ['warn', 20],
      ['info', 21],
    ],
  );
  assert.match(lines[0]?.message ?? '', /shutting down/);
  assert.equal(lines[0]?.fields['sqlstate'], '57P01');
});

test('the line of an outage says what to do; what the data or the schema is at fault for has words of its own', () => {
  const { lines, observer } = watch();
  const said = (error: WriteError): string => {
    observer.writeFailed(error, 1, error.action === 'retry' ? 0.5 : null);
    return lines.at(-1)?.message ?? '';
  };
  assert.match(said(new WriteError('retry', '53100', 'no space')), /^A batch .*: no space\. Make room/);
  assert.match(said(new WriteError('retry', '28P01', 'denied')), /Put the password that holds/);
  assert.match(said(new WriteError('retry', null, 'db: getaddrinfo ENOTFOUND db')), /name service/);
  assert.match(said(new WriteError('retry', '40001', 'serialization')), /: serialization$/);
  assert.match(said(new WriteError('isolate', '23514', 'a check')), /: a check$/);
});

test('another kind of failure is told at once', () => {
  const { lines, observer } = watch();
  observer.writeFailed(new WriteError('retry', null, 'connection refused'), 1, 0.5);
  observer.writeFailed(new WriteError('stop', '42501', 'permission denied'), 2, null);
  assert.deepEqual(
    lines.map(({ fields }) => fields['action']),
    ['retry', 'stop'],
  );
});

test('a database that fails now and then does not flood the log', () => {
  const { lines, clock, observer, commit } = watch();
  for (; clock.ms < 10_000; clock.ms += 10) {
    observer.writeFailed(new WriteError('retry', '40P01', 'deadlock detected'), 1, 0.1);
    commit();
  }
  assert.equal(lines.length, 2);
});

test('dead letters and overflow are told with their number, policy is not', () => {
  const { lines, observer } = watch();
  observer.deadLettered('payload_not_json', 3);
  observer.dropped('qos0_overflow', 4);
  observer.dropped('text_unchanged', 5);
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [
      { code: 'payload_not_json', messages: 3 },
      { reason: 'qos0_overflow', messages: 4 },
    ],
  );
});

test('a spool that fails is an error, what it dropped a warning, each now and then', () => {
  const { lines, clock, observer } = watch();
  for (clock.ms = 0; clock.ms <= 10_000; clock.ms += 500) {
    observer.spoolFailed(new SpoolError('failed', 'no space left on device'));
    observer.dropped('spool_overflow', 3);
  }
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields['failures'] ?? fields['messages']]),
    [
      ['error', 1],
      ['warn', 3],
      ['error', 20],
      ['warn', 60],
    ],
  );
});

test('the line on dead letters names the topic that brings most of them', () => {
  const { lines, clock, observer, commit } = watch();
  commit(['new/device', 'one', 'two', 'two', 'one', 'two']);
  observer.deadLettered('no_route', 5);
  observer.deadLettered('series_limit', 1);
  commit(['new/device', 'three']);
  observer.deadLettered('no_route', 1);
  clock.ms = 10_000;
  commit(['new/device', 'three']);
  observer.deadLettered('no_route', 1);
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [
      { code: 'no_route', messages: 5, topic: 'two', of_topic: 3 },
      { code: 'series_limit', messages: 1, topic: 'new/device', of_topic: 1 },
      { code: 'no_route', messages: 2, topic: 'three', of_topic: 2 },
    ],
  );
});
