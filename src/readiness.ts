import type { Check, Readiness } from './http/ports.ts';
import type { SubscriberState } from './mqtt/subscriber-options.ts';
import type { SpoolStatus } from './pipeline/spool-types.ts';
import type { PipelineState } from './pipeline/types.ts';
import type { SchedulerRole } from './scheduler/scheduler.ts';

/** What the log says once messages are received and stored. */
export const RECEIVING = 'Tidegate receives and stores';

/** Seconds that a message may be in hand before the queue counts as stuck. */
const STUCK = 30;

/** Whether the daemon does its work now: the broker subscribed, the database writable, the queue moving. */
export function readiness(
  broker: SubscriberState | null,
  databaseFault: string | null,
  pipeline: PipelineState | null,
  now: number,
): Readiness {
  const checks = {
    broker: brokerCheck(broker),
    database: { ok: databaseFault === null, detail: databaseFault ?? 'writable' },
    queue: queueCheck(pipeline),
    ...(pipeline?.spool && { spool: spoolCheck(pipeline.spool, now) }),
  };
  return { ready: Object.values(checks).every(({ ok }) => ok), checks };
}

/** `role`: null before it was started. */
export function schedulerCheck(role: SchedulerRole | null): Check {
  if (role === null) return { ok: false, detail: 'not started yet' };
  return role === 'disconnected' ? { ok: false, detail: 'not connected' } : { ok: true, detail: role };
}

/** Of a process that writes no messages: whether the schema is as it must be. `role`: null before that is known. */
export function databaseCheck(role: SchedulerRole | null): Check {
  return role === null ? { ok: false, detail: 'not ready yet' } : { ok: true, detail: 'migrated' };
}

function brokerCheck(broker: SubscriberState | null): Check {
  if (broker === null) return { ok: false, detail: 'not connected yet' };
  if (!broker.connected) return { ok: false, detail: 'not connected' };
  return broker.subscribed ? { ok: true, detail: 'subscribed' } : { ok: false, detail: 'not subscribed yet' };
}

function spoolCheck({ fault, batches, bytes, maxBytes, oldestAt }: SpoolStatus, now: number): Check {
  if (fault !== null) return { ok: false, detail: fault };
  if (batches === 0) return { ok: true, detail: 'empty' };
  const age = oldestAt === null ? 0 : Math.max(0, Math.round((now - oldestAt) / 1e6));
  const detail = `${batches} batches, ${bytes} of ${maxBytes} bytes, the oldest message waits for ${age} s`;
  return { ok: bytes < maxBytes, detail };
}

function queueCheck(pipeline: PipelineState | null): Check {
  if (pipeline === null) return { ok: false, detail: 'not started yet' };
  if (pipeline.pressure !== 'open') return { ok: false, detail: pipeline.pressure };
  const waits = pipeline.oldestWaits;
  if (waits > STUCK) {
    return { ok: false, detail: `the oldest message waits for ${Math.round(waits)} s` };
  }
  return { ok: true, detail: 'moving' };
}
