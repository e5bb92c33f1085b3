import type { PipelineObserver } from '../pipeline/types.ts';
import type { SchedulerObserver } from '../scheduler/types.ts';

/** Tells all of them, in order. */
export function tellAll(...observers: readonly PipelineObserver[]): PipelineObserver {
  return {
    sealed: (...event) => observers.forEach((observer) => observer.sealed(...event)),
    committed: (...event) => observers.forEach((observer) => observer.committed(...event)),
    writeFailed: (...event) => observers.forEach((observer) => observer.writeFailed(...event)),
    dropped: (...event) => observers.forEach((observer) => observer.dropped(...event)),
    deadLettered: (...event) => observers.forEach((observer) => observer.deadLettered(...event)),
    spooled: (...event) => observers.forEach((observer) => observer.spooled(...event)),
    spoolFailed: (...event) => observers.forEach((observer) => observer.spoolFailed(...event)),
  };
}

/** Tells all of them, in order. */
export function tellAllOfJobs(...observers: readonly SchedulerObserver[]): SchedulerObserver {
  return {
    led: (...event) => observers.forEach((observer) => observer.led(...event)),
    followed: () => observers.forEach((observer) => observer.followed()),
    troubled: (...event) => observers.forEach((observer) => observer.troubled(...event)),
    ran: (...event) => observers.forEach((observer) => observer.ran(...event)),
  };
}
