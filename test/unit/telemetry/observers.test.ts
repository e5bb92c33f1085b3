import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpoolError, WriteError } from '../../../src/errors.ts';
import type { Batch, PipelineObserver, WriteReport } from '../../../src/pipeline/types.ts';
import { tellAll } from '../../../src/telemetry/observers.ts';

test('every observer hears every event, as it was', () => {
  const heard: unknown[][] = [];
  const listener = (name: string): PipelineObserver => ({
    sealed: (...event) => void heard.push([name, 'sealed', ...event]),
    committed: (...event) => void heard.push([name, 'committed', ...event]),
    writeFailed: (...event) => void heard.push([name, 'writeFailed', ...event]),
    dropped: (...event) => void heard.push([name, 'dropped', ...event]),
    deadLettered: (...event) => void heard.push([name, 'deadLettered', ...event]),
    spooled: (...event) => void heard.push([name, 'spooled', ...event]),
    spoolFailed: (...event) => void heard.push([name, 'spoolFailed', ...event]),
  });
  const all = tellAll(listener('a'), listener('b'));
  const batch = {} as Batch;
  const report = {} as WriteReport;
  const error = new WriteError('retry', null, 'gone');
  all.sealed('time', batch);
  all.committed(batch, report, 1, 2);
  all.writeFailed(error, 3, null);
  all.dropped('qos0_overflow', 4);
  const full = new SpoolError('full', 'no room');
  all.deadLettered('no_route', 5);
  all.spooled(batch, 6);
  all.spoolFailed(full);
  const events = [
    ['sealed', 'time', batch],
    ['committed', batch, report, 1, 2],
    ['writeFailed', error, 3, null],
    ['dropped', 'qos0_overflow', 4],
    ['deadLettered', 'no_route', 5],
    ['spooled', batch, 6],
    ['spoolFailed', full],
  ];
  assert.deepEqual(
    heard,
    events.flatMap((event) => [
      ['a', ...event],
      ['b', ...event],
    ]),
  );
});
