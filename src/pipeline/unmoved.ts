import type { PipelineObserver } from './types.ts';

/** Hears of nothing: for observers of one event or two. */
export const UNMOVED: PipelineObserver = {
  sealed() {},
  committed() {},
  writeFailed() {},
  dropped() {},
  deadLettered() {},
  spooled() {},
  spoolFailed() {},
};
