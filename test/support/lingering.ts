/**
 * Loaded into each process of test files (test/main.ts). One that does not end after its last test, as something keeps it, is
 * ended and says what did: Node's runner would wait for it without a bound, and prints nothing of those behind it.
 */

import { after } from 'node:test';
import { leaveAtOnce } from './leaving.ts';

/** Milliseconds. */
const PATIENCE = 30_000;

/** What Node reports of a process, as far as it is printed here: https://nodejs.org/api/report.html */
interface Report {
  readonly libuv: readonly {
    readonly type: string;
    readonly is_active: boolean;
    readonly is_referenced?: boolean;
  }[];
}

function end(): void {
  const { libuv } = process.report.getReport() as Report;
  const lines = [
    `${process.argv[1]}: the tests are over, and these keep their process:`,
    // Its timers are one handle, which is at rest while this one is served.
    process.getActiveResourcesInfo().join(', '),
    ...libuv
      .filter((handle) => handle.is_active && handle.is_referenced === true)
      .map((handle) => JSON.stringify(handle)),
  ];
  process.stderr.write(`${lines.join('\n    ')}\n`);
  // Its failures have been told one by one.
  process.exit();
}

after(() => {
  setTimeout(end, PATIENCE).unref();
  leaveAtOnce();
});
