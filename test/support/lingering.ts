/**
 * Loaded into each process of test files (test/main.ts). One that does not end after its last test, as something keeps it, is
 * ended and says what did: Node's runner would wait for it without a bound, and prints nothing of those behind it.
 */

import { after } from 'node:test';
import { keepersIn, type Report } from './handles.ts';
import { leaveAtOnce } from './leaving.ts';

/** Milliseconds. */
const PATIENCE = 30_000;

function end(): void {
  const lines = [
    'The tests are over, and these keep their process:',
    // Its timers are one handle, which is at rest while this one is served.
    `    ${process.getActiveResourcesInfo().join(', ')}`,
    ...keepersIn(process.report.getReport() as Report),
  ];
  process.stderr.write(`${process.argv[1]}: ${lines.join('\n')}\n`);
  // Its failures have been told one by one.
  process.exit();
}

after(() => {
  setTimeout(end, PATIENCE).unref();
  leaveAtOnce();
});
