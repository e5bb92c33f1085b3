import type { PipelineObserver } from '../pipeline/types.ts';

/** Tells all of them, in order. */
export function tellAll(...observers: readonly PipelineObserver[]): PipelineObserver {
  return {
    sealed: (...event) => observers.forEach((observer) => observer.sealed(...event)),
    committed: (...event) => observers.forEach((observer) => observer.committed(...event)),
    writeFailed: (...event) => observers.forEach((observer) => observer.writeFailed(...event)),
    dropped: (...event) => observers.forEach((observer) => observer.dropped(...event)),
    deadLettered: (...event) => observers.forEach((observer) => observer.deadLettered(...event)),
  };
}
