/**
 * A daemon that ends itself by SIGKILL, a process of its own. Besides the daemon's variables it reads FAULT_POINT, FAULT_AFTER
 * (how many times it passes the point before), and FAULT_RECORD, a file that gets each payload received, a line each.
 */

import { openSync, writeSync } from 'node:fs';
import { beginSmall, keepSmall } from '../../src/heap.ts';
import type { Seams } from '../../src/seams.ts';
import type { FaultPoint } from './fault-points.ts';

// As src/main.ts does: under other flags, what Node keeps of the program's compiled modules is of no use, and every life of a
// daemon that is killed would compile them anew.
beginSmall();
const { App } = await import('../../src/app.ts');
const { loadConfig } = await import('../../src/config/load.ts');
const { createLogger } = await import('../../src/telemetry/log.ts');
const { intercepted, seamsAt } = await import('./fault-points.ts');
keepSmall();

const { FAULT_POINT: point, FAULT_AFTER: after, FAULT_RECORD: record } = process.env;

let left = Number(after ?? 0);
function reached(): void {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
}

function recording(path: string): Partial<Seams> {
  const file = openSync(path, 'a');
  return {
    source: (source) =>
      intercepted(source, (delivery) => {
        writeSync(file, `${Buffer.from(delivery.payload).toString()}\n`);
        return delivery;
      }),
  };
}

const config = loadConfig({ env: process.env });
const { level, format } = config.log;
const logger = createLogger({ level, format, stream: process.stdout, isTerminal: false, journal: false });
const seams = {
  ...(point === undefined ? {} : seamsAt(point as FaultPoint, reached)),
  ...(record === undefined ? {} : recording(record)),
};
const app = new App({ config, logger, version: 'faulty', seams });
const terminated = new Promise((resolve) => process.once('SIGTERM', resolve));
await app.start();
await Promise.race([app.failure, terminated]);
process.exit((await app.stop(AbortSignal.timeout(config.shutdown_timeout))) ? 0 : 1);
